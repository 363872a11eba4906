"""What the message with a one-time password says, by language; `otp_texts` puts others in their place.

The English one is Amazon's (channels.md section 8).
"""

from collections.abc import Mapping

from repoint.tables import OtpLanguage

TEXTS: Mapping[OtpLanguage, str] = {
    "de-DE": "Dies ist Ihr Einmalpasswort: {{otp}} von {{brand}}",
    "en-GB": "This is your One Time Password: {{otp}} from {{brand}}",
    "en-US": "This is your One Time Password: {{otp}} from {{brand}}",
    "es-419": "Esta es su contraseña de un solo uso: {{otp}} de {{brand}}",
    "es-ES": "Esta es su contraseña de un solo uso: {{otp}} de {{brand}}",
    "fr-CA": "Voici votre mot de passe à usage unique : {{otp}} de {{brand}}",
    "fr-FR": "Voici votre mot de passe à usage unique : {{otp}} de {{brand}}",
    "it-IT": "Questa è la tua password monouso: {{otp}} da {{brand}}",
    "ja-JP": "{{brand}}からのワンタイムパスワード: {{otp}}",
    "ko-KR": "{{brand}}에서 보낸 일회용 비밀번호: {{otp}}",
    "pt-BR": "Esta é a sua senha de uso único: {{otp}} de {{brand}}",
    "zh-CN": "{{brand}} 的一次性密码: {{otp}}",
    "zh-TW": "{{brand}} 的一次性密碼: {{otp}}",
}
