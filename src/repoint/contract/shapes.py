"""The contract's documents as types. Made by scripts/make_contract.py: never edit.

A member that the model requires stands bare, any other is NotRequired. Timestamps are text in the form of answers,
blobs are bytes, as `decode` gives them.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Action = Literal[
    "OPEN_APP",
    "DEEP_LINK",
    "URL",
]
Alignment = Literal[
    "LEFT",
    "CENTER",
    "RIGHT",
]
AttributeType = Literal[
    "INCLUSIVE",
    "EXCLUSIVE",
    "CONTAINS",
    "BEFORE",
    "AFTER",
    "ON",
    "BETWEEN",
]
ButtonAction = Literal[
    "LINK",
    "DEEP_LINK",
    "CLOSE",
]
CampaignStatus = Literal[
    "SCHEDULED",
    "EXECUTING",
    "PENDING_NEXT_RUN",
    "COMPLETED",
    "PAUSED",
    "DELETED",
    "INVALID",
]
ChannelType = Literal[
    "PUSH",
    "GCM",
    "APNS",
    "APNS_SANDBOX",
    "APNS_VOIP",
    "APNS_VOIP_SANDBOX",
    "ADM",
    "SMS",
    "VOICE",
    "EMAIL",
    "BAIDU",
    "CUSTOM",
    "IN_APP",
]
DayOfWeek = Literal[
    "MONDAY",
    "TUESDAY",
    "WEDNESDAY",
    "THURSDAY",
    "FRIDAY",
    "SATURDAY",
    "SUNDAY",
]
DeliveryStatus = Literal[
    "SUCCESSFUL",
    "THROTTLED",
    "TEMPORARY_FAILURE",
    "PERMANENT_FAILURE",
    "UNKNOWN_FAILURE",
    "OPT_OUT",
    "DUPLICATE",
]
DimensionType = Literal[
    "INCLUSIVE",
    "EXCLUSIVE",
]
Duration = Literal[
    "HR_24",
    "DAY_7",
    "DAY_14",
    "DAY_30",
]
FilterType = Literal[
    "SYSTEM",
    "ENDPOINT",
]
Format = Literal[
    "CSV",
    "JSON",
]
Frequency = Literal[
    "ONCE",
    "HOURLY",
    "DAILY",
    "WEEKLY",
    "MONTHLY",
    "EVENT",
    "IN_APP_EVENT",
]
Include = Literal[
    "ALL",
    "ANY",
    "NONE",
]
JobStatus = Literal[
    "CREATED",
    "PREPARING_FOR_INITIALIZATION",
    "INITIALIZING",
    "PROCESSING",
    "PENDING_JOB",
    "COMPLETING",
    "COMPLETED",
    "FAILING",
    "FAILED",
]
JourneyRunStatus = Literal[
    "SCHEDULED",
    "RUNNING",
    "COMPLETED",
    "CANCELLED",
]
Layout = Literal[
    "BOTTOM_BANNER",
    "TOP_BANNER",
    "OVERLAYS",
    "MOBILE_FEED",
    "MIDDLE_BANNER",
    "CAROUSEL",
]
MessageType = Literal[
    "TRANSACTIONAL",
    "PROMOTIONAL",
]
Mode = Literal[
    "DELIVERY",
    "FILTER",
]
Operator = Literal[
    "ALL",
    "ANY",
]
RecencyType = Literal[
    "ACTIVE",
    "INACTIVE",
]
SegmentType = Literal[
    "DIMENSIONAL",
    "IMPORT",
]
SourceType = Literal[
    "ALL",
    "ANY",
    "NONE",
]
State = Literal[
    "DRAFT",
    "ACTIVE",
    "COMPLETED",
    "CANCELLED",
    "CLOSED",
    "PAUSED",
]
TemplateType = Literal[
    "EMAIL",
    "SMS",
    "VOICE",
    "PUSH",
    "INAPP",
]
Type = Literal[
    "ALL",
    "ANY",
    "NONE",
]
EndpointTypesElement = Literal[
    "PUSH",
    "GCM",
    "APNS",
    "APNS_SANDBOX",
    "APNS_VOIP",
    "APNS_VOIP_SANDBOX",
    "ADM",
    "SMS",
    "VOICE",
    "EMAIL",
    "BAIDU",
    "CUSTOM",
    "IN_APP",
]
TimezoneEstimationMethodsElement = Literal[
    "PHONE_NUMBER",
    "POSTAL_CODE",
]

class ADMChannelRequest(TypedDict):
    ClientId: str
    ClientSecret: str
    Enabled: NotRequired[bool]


class ADMChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class ADMMessage(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    ConsolidationKey: NotRequired[str]
    Data: NotRequired[dict[str, str]]
    ExpiresAfter: NotRequired[str]
    IconReference: NotRequired[str]
    ImageIconUrl: NotRequired[str]
    ImageUrl: NotRequired[str]
    MD5: NotRequired[str]
    RawContent: NotRequired[str]
    SilentPush: NotRequired[bool]
    SmallImageIconUrl: NotRequired[str]
    Sound: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    Title: NotRequired[str]
    Url: NotRequired[str]


class APNSChannelRequest(TypedDict):
    BundleId: NotRequired[str]
    Certificate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    PrivateKey: NotRequired[str]
    TeamId: NotRequired[str]
    TokenKey: NotRequired[str]
    TokenKeyId: NotRequired[str]


class APNSChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    HasTokenKey: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class APNSMessage(TypedDict):
    APNSPushType: NotRequired[str]
    Action: NotRequired[Action]
    Badge: NotRequired[int]
    Body: NotRequired[str]
    Category: NotRequired[str]
    CollapseId: NotRequired[str]
    Data: NotRequired[dict[str, str]]
    MediaUrl: NotRequired[str]
    PreferredAuthenticationMethod: NotRequired[str]
    Priority: NotRequired[str]
    RawContent: NotRequired[str]
    SilentPush: NotRequired[bool]
    Sound: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    ThreadId: NotRequired[str]
    TimeToLive: NotRequired[int]
    Title: NotRequired[str]
    Url: NotRequired[str]


class APNSPushNotificationTemplate(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    MediaUrl: NotRequired[str]
    RawContent: NotRequired[str]
    Sound: NotRequired[str]
    Title: NotRequired[str]
    Url: NotRequired[str]


class APNSSandboxChannelRequest(TypedDict):
    BundleId: NotRequired[str]
    Certificate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    PrivateKey: NotRequired[str]
    TeamId: NotRequired[str]
    TokenKey: NotRequired[str]
    TokenKeyId: NotRequired[str]


class APNSSandboxChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    HasTokenKey: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class APNSVoipChannelRequest(TypedDict):
    BundleId: NotRequired[str]
    Certificate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    PrivateKey: NotRequired[str]
    TeamId: NotRequired[str]
    TokenKey: NotRequired[str]
    TokenKeyId: NotRequired[str]


class APNSVoipChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    HasTokenKey: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class APNSVoipSandboxChannelRequest(TypedDict):
    BundleId: NotRequired[str]
    Certificate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    PrivateKey: NotRequired[str]
    TeamId: NotRequired[str]
    TokenKey: NotRequired[str]
    TokenKeyId: NotRequired[str]


class APNSVoipSandboxChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    HasTokenKey: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class ActivitiesResponse(TypedDict):
    Item: list[ActivityResponse]
    NextToken: NotRequired[str]


class Activity(TypedDict):
    CUSTOM: NotRequired[CustomMessageActivity]
    ConditionalSplit: NotRequired[ConditionalSplitActivity]
    Description: NotRequired[str]
    EMAIL: NotRequired[EmailMessageActivity]
    Holdout: NotRequired[HoldoutActivity]
    MultiCondition: NotRequired[MultiConditionalSplitActivity]
    PUSH: NotRequired[PushMessageActivity]
    RandomSplit: NotRequired[RandomSplitActivity]
    SMS: NotRequired[SMSMessageActivity]
    Wait: NotRequired[WaitActivity]
    ContactCenter: NotRequired[ContactCenterActivity]


class ActivityResponse(TypedDict):
    ApplicationId: str
    CampaignId: str
    End: NotRequired[str]
    Id: str
    Result: NotRequired[str]
    ScheduledStart: NotRequired[str]
    Start: NotRequired[str]
    State: NotRequired[str]
    SuccessfulEndpointCount: NotRequired[int]
    TimezonesCompletedCount: NotRequired[int]
    TimezonesTotalCount: NotRequired[int]
    TotalEndpointCount: NotRequired[int]
    TreatmentId: NotRequired[str]
    ExecutionMetrics: NotRequired[dict[str, str]]


class AddressConfiguration(TypedDict):
    BodyOverride: NotRequired[str]
    ChannelType: NotRequired[ChannelType]
    Context: NotRequired[dict[str, str]]
    RawContent: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    TitleOverride: NotRequired[str]


class AndroidPushNotificationTemplate(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    ImageIconUrl: NotRequired[str]
    ImageUrl: NotRequired[str]
    RawContent: NotRequired[str]
    SmallImageIconUrl: NotRequired[str]
    Sound: NotRequired[str]
    Title: NotRequired[str]
    Url: NotRequired[str]


class ApplicationDateRangeKpiResponse(TypedDict):
    ApplicationId: str
    EndTime: str
    KpiName: str
    KpiResult: BaseKpiResult
    NextToken: NotRequired[str]
    StartTime: str


class ApplicationResponse(TypedDict):
    Arn: str
    Id: str
    Name: str
    tags: NotRequired[dict[str, str]]
    CreationDate: NotRequired[str]


class ApplicationSettingsJourneyLimits(TypedDict):
    DailyCap: NotRequired[int]
    TimeframeCap: NotRequired[JourneyTimeframeCap]
    TotalCap: NotRequired[int]


class ApplicationSettingsResource(TypedDict):
    ApplicationId: str
    CampaignHook: NotRequired[CampaignHook]
    LastModifiedDate: NotRequired[str]
    Limits: NotRequired[CampaignLimits]
    QuietTime: NotRequired[QuietTime]
    JourneyLimits: NotRequired[ApplicationSettingsJourneyLimits]


class ApplicationsResponse(TypedDict):
    Item: NotRequired[list[ApplicationResponse]]
    NextToken: NotRequired[str]


class AttributeDimension(TypedDict):
    AttributeType: NotRequired[AttributeType]
    Values: list[str]


class AttributesResource(TypedDict):
    ApplicationId: str
    AttributeType: str
    Attributes: NotRequired[list[str]]


class BaiduChannelRequest(TypedDict):
    ApiKey: str
    Enabled: NotRequired[bool]
    SecretKey: str


class BaiduChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    Credential: str
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class BaiduMessage(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    Data: NotRequired[dict[str, str]]
    IconReference: NotRequired[str]
    ImageIconUrl: NotRequired[str]
    ImageUrl: NotRequired[str]
    RawContent: NotRequired[str]
    SilentPush: NotRequired[bool]
    SmallImageIconUrl: NotRequired[str]
    Sound: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    TimeToLive: NotRequired[int]
    Title: NotRequired[str]
    Url: NotRequired[str]


class BaseKpiResult(TypedDict):
    Rows: list[ResultRow]


class CampaignCustomMessage(TypedDict):
    Data: NotRequired[str]


class CampaignDateRangeKpiResponse(TypedDict):
    ApplicationId: str
    CampaignId: str
    EndTime: str
    KpiName: str
    KpiResult: BaseKpiResult
    NextToken: NotRequired[str]
    StartTime: str


class CampaignEmailMessage(TypedDict):
    Body: NotRequired[str]
    FromAddress: NotRequired[str]
    Headers: NotRequired[list[MessageHeader]]
    HtmlBody: NotRequired[str]
    Title: NotRequired[str]


class CampaignEventFilter(TypedDict):
    Dimensions: EventDimensions
    FilterType: FilterType


class CampaignHook(TypedDict):
    LambdaFunctionName: NotRequired[str]
    Mode: NotRequired[Mode]
    WebUrl: NotRequired[str]


class CampaignInAppMessage(TypedDict):
    Body: NotRequired[str]
    Content: NotRequired[list[InAppMessageContent]]
    CustomConfig: NotRequired[dict[str, str]]
    Layout: NotRequired[Layout]


class CampaignLimits(TypedDict):
    Daily: NotRequired[int]
    MaximumDuration: NotRequired[int]
    MessagesPerSecond: NotRequired[int]
    Total: NotRequired[int]
    Session: NotRequired[int]


class CampaignResponse(TypedDict):
    AdditionalTreatments: NotRequired[list[TreatmentResource]]
    ApplicationId: str
    Arn: str
    CreationDate: str
    CustomDeliveryConfiguration: NotRequired[CustomDeliveryConfiguration]
    DefaultState: NotRequired[CampaignState]
    Description: NotRequired[str]
    HoldoutPercent: NotRequired[int]
    Hook: NotRequired[CampaignHook]
    Id: str
    IsPaused: NotRequired[bool]
    LastModifiedDate: str
    Limits: NotRequired[CampaignLimits]
    MessageConfiguration: NotRequired[MessageConfiguration]
    Name: NotRequired[str]
    Schedule: NotRequired[Schedule]
    SegmentId: str
    SegmentVersion: int
    State: NotRequired[CampaignState]
    tags: NotRequired[dict[str, str]]
    TemplateConfiguration: NotRequired[TemplateConfiguration]
    TreatmentDescription: NotRequired[str]
    TreatmentName: NotRequired[str]
    Version: NotRequired[int]
    Priority: NotRequired[int]


class CampaignSmsMessage(TypedDict):
    Body: NotRequired[str]
    MessageType: NotRequired[MessageType]
    OriginationNumber: NotRequired[str]
    SenderId: NotRequired[str]
    EntityId: NotRequired[str]
    TemplateId: NotRequired[str]


class CampaignState(TypedDict):
    CampaignStatus: NotRequired[CampaignStatus]


class CampaignsResponse(TypedDict):
    Item: list[CampaignResponse]
    NextToken: NotRequired[str]


class ChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Version: NotRequired[int]


class ChannelsResponse(TypedDict):
    Channels: dict[str, ChannelResponse]


class ClosedDays(TypedDict):
    EMAIL: NotRequired[list[ClosedDaysRule]]
    SMS: NotRequired[list[ClosedDaysRule]]
    PUSH: NotRequired[list[ClosedDaysRule]]
    VOICE: NotRequired[list[ClosedDaysRule]]
    CUSTOM: NotRequired[list[ClosedDaysRule]]


class ClosedDaysRule(TypedDict):
    Name: NotRequired[str]
    StartDateTime: NotRequired[str]
    EndDateTime: NotRequired[str]


class Condition(TypedDict):
    Conditions: NotRequired[list[SimpleCondition]]
    Operator: NotRequired[Operator]


class ConditionalSplitActivity(TypedDict):
    Condition: NotRequired[Condition]
    EvaluationWaitTime: NotRequired[WaitTime]
    FalseActivity: NotRequired[str]
    TrueActivity: NotRequired[str]


class ContactCenterActivity(TypedDict):
    NextActivity: NotRequired[str]


class CreateAppRequest(TypedDict):
    CreateApplicationRequest: CreateApplicationRequest


class CreateApplicationRequest(TypedDict):
    Name: str
    tags: NotRequired[dict[str, str]]


class CreateCampaignRequest(TypedDict):
    ApplicationId: str
    WriteCampaignRequest: WriteCampaignRequest


class CreateEmailTemplateRequest(TypedDict):
    EmailTemplateRequest: EmailTemplateRequest
    TemplateName: str


class CreateExportJobRequest(TypedDict):
    ApplicationId: str
    ExportJobRequest: ExportJobRequest


class CreateImportJobRequest(TypedDict):
    ApplicationId: str
    ImportJobRequest: ImportJobRequest


class CreateInAppTemplateRequest(TypedDict):
    InAppTemplateRequest: InAppTemplateRequest
    TemplateName: str


class CreateJourneyRequest(TypedDict):
    ApplicationId: str
    WriteJourneyRequest: WriteJourneyRequest


class CreatePushTemplateRequest(TypedDict):
    PushNotificationTemplateRequest: PushNotificationTemplateRequest
    TemplateName: str


class CreateRecommenderConfiguration(TypedDict):
    Attributes: NotRequired[dict[str, str]]
    Description: NotRequired[str]
    Name: NotRequired[str]
    RecommendationProviderIdType: NotRequired[str]
    RecommendationProviderRoleArn: str
    RecommendationProviderUri: str
    RecommendationTransformerUri: NotRequired[str]
    RecommendationsDisplayName: NotRequired[str]
    RecommendationsPerMessage: NotRequired[int]


class CreateRecommenderConfigurationRequest(TypedDict):
    CreateRecommenderConfiguration: CreateRecommenderConfiguration


class CreateSegmentRequest(TypedDict):
    ApplicationId: str
    WriteSegmentRequest: WriteSegmentRequest


class CreateSmsTemplateRequest(TypedDict):
    SMSTemplateRequest: SMSTemplateRequest
    TemplateName: str


class CreateTemplateMessageBody(TypedDict):
    Arn: NotRequired[str]
    Message: NotRequired[str]
    RequestID: NotRequired[str]


class CreateVoiceTemplateRequest(TypedDict):
    TemplateName: str
    VoiceTemplateRequest: VoiceTemplateRequest


class CustomDeliveryConfiguration(TypedDict):
    DeliveryUri: str
    EndpointTypes: NotRequired[list[EndpointTypesElement]]


class CustomMessageActivity(TypedDict):
    DeliveryUri: NotRequired[str]
    EndpointTypes: NotRequired[list[EndpointTypesElement]]
    MessageConfig: NotRequired[JourneyCustomMessage]
    NextActivity: NotRequired[str]
    TemplateName: NotRequired[str]
    TemplateVersion: NotRequired[str]


class DefaultButtonConfiguration(TypedDict):
    BackgroundColor: NotRequired[str]
    BorderRadius: NotRequired[int]
    ButtonAction: ButtonAction
    Link: NotRequired[str]
    Text: str
    TextColor: NotRequired[str]


class DefaultMessage(TypedDict):
    Body: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]


class DefaultPushNotificationMessage(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    Data: NotRequired[dict[str, str]]
    SilentPush: NotRequired[bool]
    Substitutions: NotRequired[dict[str, list[str]]]
    Title: NotRequired[str]
    Url: NotRequired[str]


class DefaultPushNotificationTemplate(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    Sound: NotRequired[str]
    Title: NotRequired[str]
    Url: NotRequired[str]


class DeleteAdmChannelRequest(TypedDict):
    ApplicationId: str


class DeleteApnsChannelRequest(TypedDict):
    ApplicationId: str


class DeleteApnsSandboxChannelRequest(TypedDict):
    ApplicationId: str


class DeleteApnsVoipChannelRequest(TypedDict):
    ApplicationId: str


class DeleteApnsVoipSandboxChannelRequest(TypedDict):
    ApplicationId: str


class DeleteAppRequest(TypedDict):
    ApplicationId: str


class DeleteBaiduChannelRequest(TypedDict):
    ApplicationId: str


class DeleteCampaignRequest(TypedDict):
    ApplicationId: str
    CampaignId: str


class DeleteEmailChannelRequest(TypedDict):
    ApplicationId: str


class DeleteEmailTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class DeleteEndpointRequest(TypedDict):
    ApplicationId: str
    EndpointId: str


class DeleteEventStreamRequest(TypedDict):
    ApplicationId: str


class DeleteGcmChannelRequest(TypedDict):
    ApplicationId: str


class DeleteInAppTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class DeleteJourneyRequest(TypedDict):
    ApplicationId: str
    JourneyId: str


class DeletePushTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class DeleteRecommenderConfigurationRequest(TypedDict):
    RecommenderId: str


class DeleteSegmentRequest(TypedDict):
    ApplicationId: str
    SegmentId: str


class DeleteSmsChannelRequest(TypedDict):
    ApplicationId: str


class DeleteSmsTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class DeleteUserEndpointsRequest(TypedDict):
    ApplicationId: str
    UserId: str


class DeleteVoiceChannelRequest(TypedDict):
    ApplicationId: str


class DeleteVoiceTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class DirectMessageConfiguration(TypedDict):
    ADMMessage: NotRequired[ADMMessage]
    APNSMessage: NotRequired[APNSMessage]
    BaiduMessage: NotRequired[BaiduMessage]
    DefaultMessage: NotRequired[DefaultMessage]
    DefaultPushNotificationMessage: NotRequired[DefaultPushNotificationMessage]
    EmailMessage: NotRequired[EmailMessage]
    GCMMessage: NotRequired[GCMMessage]
    SMSMessage: NotRequired[SMSMessage]
    VoiceMessage: NotRequired[VoiceMessage]


class EmailChannelRequest(TypedDict):
    ConfigurationSet: NotRequired[str]
    Enabled: NotRequired[bool]
    FromAddress: str
    Identity: str
    RoleArn: NotRequired[str]
    OrchestrationSendingRoleArn: NotRequired[str]


class EmailChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    ConfigurationSet: NotRequired[str]
    CreationDate: NotRequired[str]
    Enabled: NotRequired[bool]
    FromAddress: NotRequired[str]
    HasCredential: NotRequired[bool]
    Id: NotRequired[str]
    Identity: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    MessagesPerSecond: NotRequired[int]
    Platform: str
    RoleArn: NotRequired[str]
    OrchestrationSendingRoleArn: NotRequired[str]
    Version: NotRequired[int]


class EmailMessage(TypedDict):
    Body: NotRequired[str]
    FeedbackForwardingAddress: NotRequired[str]
    FromAddress: NotRequired[str]
    RawEmail: NotRequired[RawEmail]
    ReplyToAddresses: NotRequired[list[str]]
    SimpleEmail: NotRequired[SimpleEmail]
    Substitutions: NotRequired[dict[str, list[str]]]


class EmailMessageActivity(TypedDict):
    MessageConfig: NotRequired[JourneyEmailMessage]
    NextActivity: NotRequired[str]
    TemplateName: NotRequired[str]
    TemplateVersion: NotRequired[str]


class EmailTemplateRequest(TypedDict):
    DefaultSubstitutions: NotRequired[str]
    HtmlPart: NotRequired[str]
    RecommenderId: NotRequired[str]
    Subject: NotRequired[str]
    Headers: NotRequired[list[MessageHeader]]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    TextPart: NotRequired[str]


class EmailTemplateResponse(TypedDict):
    Arn: NotRequired[str]
    CreationDate: str
    DefaultSubstitutions: NotRequired[str]
    HtmlPart: NotRequired[str]
    LastModifiedDate: str
    RecommenderId: NotRequired[str]
    Subject: NotRequired[str]
    Headers: NotRequired[list[MessageHeader]]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    TemplateName: str
    TemplateType: TemplateType
    TextPart: NotRequired[str]
    Version: NotRequired[str]


class EndpointBatchItem(TypedDict):
    Address: NotRequired[str]
    Attributes: NotRequired[dict[str, list[str]]]
    ChannelType: NotRequired[ChannelType]
    Demographic: NotRequired[EndpointDemographic]
    EffectiveDate: NotRequired[str]
    EndpointStatus: NotRequired[str]
    Id: NotRequired[str]
    Location: NotRequired[EndpointLocation]
    Metrics: NotRequired[dict[str, float]]
    OptOut: NotRequired[str]
    RequestId: NotRequired[str]
    User: NotRequired[EndpointUser]


class EndpointBatchRequest(TypedDict):
    Item: list[EndpointBatchItem]


class EndpointDemographic(TypedDict):
    AppVersion: NotRequired[str]
    Locale: NotRequired[str]
    Make: NotRequired[str]
    Model: NotRequired[str]
    ModelVersion: NotRequired[str]
    Platform: NotRequired[str]
    PlatformVersion: NotRequired[str]
    Timezone: NotRequired[str]


class EndpointItemResponse(TypedDict):
    Message: NotRequired[str]
    StatusCode: NotRequired[int]


class EndpointLocation(TypedDict):
    City: NotRequired[str]
    Country: NotRequired[str]
    Latitude: NotRequired[float]
    Longitude: NotRequired[float]
    PostalCode: NotRequired[str]
    Region: NotRequired[str]


class EndpointMessageResult(TypedDict):
    Address: NotRequired[str]
    DeliveryStatus: DeliveryStatus
    MessageId: NotRequired[str]
    StatusCode: int
    StatusMessage: NotRequired[str]
    UpdatedToken: NotRequired[str]


class EndpointRequest(TypedDict):
    Address: NotRequired[str]
    Attributes: NotRequired[dict[str, list[str]]]
    ChannelType: NotRequired[ChannelType]
    Demographic: NotRequired[EndpointDemographic]
    EffectiveDate: NotRequired[str]
    EndpointStatus: NotRequired[str]
    Location: NotRequired[EndpointLocation]
    Metrics: NotRequired[dict[str, float]]
    OptOut: NotRequired[str]
    RequestId: NotRequired[str]
    User: NotRequired[EndpointUser]


class EndpointResponse(TypedDict):
    Address: NotRequired[str]
    ApplicationId: NotRequired[str]
    Attributes: NotRequired[dict[str, list[str]]]
    ChannelType: NotRequired[ChannelType]
    CohortId: NotRequired[str]
    CreationDate: NotRequired[str]
    Demographic: NotRequired[EndpointDemographic]
    EffectiveDate: NotRequired[str]
    EndpointStatus: NotRequired[str]
    Id: NotRequired[str]
    Location: NotRequired[EndpointLocation]
    Metrics: NotRequired[dict[str, float]]
    OptOut: NotRequired[str]
    RequestId: NotRequired[str]
    User: NotRequired[EndpointUser]


class EndpointSendConfiguration(TypedDict):
    BodyOverride: NotRequired[str]
    Context: NotRequired[dict[str, str]]
    RawContent: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    TitleOverride: NotRequired[str]


class EndpointUser(TypedDict):
    UserAttributes: NotRequired[dict[str, list[str]]]
    UserId: NotRequired[str]


class EndpointsResponse(TypedDict):
    Item: list[EndpointResponse]


class Event(TypedDict):
    AppPackageName: NotRequired[str]
    AppTitle: NotRequired[str]
    AppVersionCode: NotRequired[str]
    Attributes: NotRequired[dict[str, str]]
    ClientSdkVersion: NotRequired[str]
    EventType: str
    Metrics: NotRequired[dict[str, float]]
    SdkName: NotRequired[str]
    Session: NotRequired[Session]
    Timestamp: str


class EventCondition(TypedDict):
    Dimensions: NotRequired[EventDimensions]
    MessageActivity: NotRequired[str]


class EventDimensions(TypedDict):
    Attributes: NotRequired[dict[str, AttributeDimension]]
    EventType: NotRequired[SetDimension]
    Metrics: NotRequired[dict[str, MetricDimension]]


class EventFilter(TypedDict):
    Dimensions: EventDimensions
    FilterType: FilterType


class EventItemResponse(TypedDict):
    Message: NotRequired[str]
    StatusCode: NotRequired[int]


class EventStartCondition(TypedDict):
    EventFilter: NotRequired[EventFilter]
    SegmentId: NotRequired[str]


class EventStream(TypedDict):
    ApplicationId: str
    DestinationStreamArn: str
    ExternalId: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    LastUpdatedBy: NotRequired[str]
    RoleArn: str


class EventsBatch(TypedDict):
    Endpoint: PublicEndpoint
    Events: dict[str, Event]


class EventsRequest(TypedDict):
    BatchItem: dict[str, EventsBatch]


class EventsResponse(TypedDict):
    Results: NotRequired[dict[str, ItemResponse]]


class ExportJobRequest(TypedDict):
    RoleArn: str
    S3UrlPrefix: str
    SegmentId: NotRequired[str]
    SegmentVersion: NotRequired[int]


class ExportJobResource(TypedDict):
    RoleArn: str
    S3UrlPrefix: str
    SegmentId: NotRequired[str]
    SegmentVersion: NotRequired[int]


class ExportJobResponse(TypedDict):
    ApplicationId: str
    CompletedPieces: NotRequired[int]
    CompletionDate: NotRequired[str]
    CreationDate: str
    Definition: ExportJobResource
    FailedPieces: NotRequired[int]
    Failures: NotRequired[list[str]]
    Id: str
    JobStatus: JobStatus
    TotalFailures: NotRequired[int]
    TotalPieces: NotRequired[int]
    TotalProcessed: NotRequired[int]
    Type: str


class ExportJobsResponse(TypedDict):
    Item: list[ExportJobResponse]
    NextToken: NotRequired[str]


class GCMChannelRequest(TypedDict):
    ApiKey: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    ServiceJson: NotRequired[str]


class GCMChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    Credential: NotRequired[str]
    DefaultAuthenticationMethod: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    HasFcmServiceCredentials: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class GCMMessage(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    CollapseKey: NotRequired[str]
    Data: NotRequired[dict[str, str]]
    IconReference: NotRequired[str]
    ImageIconUrl: NotRequired[str]
    ImageUrl: NotRequired[str]
    PreferredAuthenticationMethod: NotRequired[str]
    Priority: NotRequired[str]
    RawContent: NotRequired[str]
    RestrictedPackageName: NotRequired[str]
    SilentPush: NotRequired[bool]
    SmallImageIconUrl: NotRequired[str]
    Sound: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    TimeToLive: NotRequired[int]
    Title: NotRequired[str]
    Url: NotRequired[str]


class GPSCoordinates(TypedDict):
    Latitude: float
    Longitude: float


class GPSPointDimension(TypedDict):
    Coordinates: GPSCoordinates
    RangeInKilometers: NotRequired[float]


class GetAdmChannelRequest(TypedDict):
    ApplicationId: str


class GetApnsChannelRequest(TypedDict):
    ApplicationId: str


class GetApnsSandboxChannelRequest(TypedDict):
    ApplicationId: str


class GetApnsVoipChannelRequest(TypedDict):
    ApplicationId: str


class GetApnsVoipSandboxChannelRequest(TypedDict):
    ApplicationId: str


class GetAppRequest(TypedDict):
    ApplicationId: str


class GetApplicationDateRangeKpiRequest(TypedDict):
    ApplicationId: str
    EndTime: NotRequired[str]
    KpiName: str
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]
    StartTime: NotRequired[str]


class GetApplicationSettingsRequest(TypedDict):
    ApplicationId: str


class GetAppsRequest(TypedDict):
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetBaiduChannelRequest(TypedDict):
    ApplicationId: str


class GetCampaignActivitiesRequest(TypedDict):
    ApplicationId: str
    CampaignId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetCampaignDateRangeKpiRequest(TypedDict):
    ApplicationId: str
    CampaignId: str
    EndTime: NotRequired[str]
    KpiName: str
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]
    StartTime: NotRequired[str]


class GetCampaignRequest(TypedDict):
    ApplicationId: str
    CampaignId: str


class GetCampaignVersionRequest(TypedDict):
    ApplicationId: str
    CampaignId: str
    Version: str


class GetCampaignVersionsRequest(TypedDict):
    ApplicationId: str
    CampaignId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetCampaignsRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetChannelsRequest(TypedDict):
    ApplicationId: str


class GetEmailChannelRequest(TypedDict):
    ApplicationId: str


class GetEmailTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class GetEndpointRequest(TypedDict):
    ApplicationId: str
    EndpointId: str


class GetEventStreamRequest(TypedDict):
    ApplicationId: str


class GetExportJobRequest(TypedDict):
    ApplicationId: str
    JobId: str


class GetExportJobsRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetGcmChannelRequest(TypedDict):
    ApplicationId: str


class GetImportJobRequest(TypedDict):
    ApplicationId: str
    JobId: str


class GetImportJobsRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetInAppMessagesRequest(TypedDict):
    ApplicationId: str
    EndpointId: str


class GetInAppTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class GetJourneyDateRangeKpiRequest(TypedDict):
    ApplicationId: str
    EndTime: NotRequired[str]
    JourneyId: str
    KpiName: str
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]
    StartTime: NotRequired[str]


class GetJourneyExecutionActivityMetricsRequest(TypedDict):
    ApplicationId: str
    JourneyActivityId: str
    JourneyId: str
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]


class GetJourneyExecutionMetricsRequest(TypedDict):
    ApplicationId: str
    JourneyId: str
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]


class GetJourneyRequest(TypedDict):
    ApplicationId: str
    JourneyId: str


class GetJourneyRunExecutionActivityMetricsRequest(TypedDict):
    ApplicationId: str
    JourneyActivityId: str
    JourneyId: str
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]
    RunId: str


class GetJourneyRunExecutionMetricsRequest(TypedDict):
    ApplicationId: str
    JourneyId: str
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]
    RunId: str


class GetJourneyRunsRequest(TypedDict):
    ApplicationId: str
    JourneyId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetPushTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class GetRecommenderConfigurationRequest(TypedDict):
    RecommenderId: str


class GetRecommenderConfigurationsRequest(TypedDict):
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetSegmentExportJobsRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    SegmentId: str
    Token: NotRequired[str]


class GetSegmentImportJobsRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    SegmentId: str
    Token: NotRequired[str]


class GetSegmentRequest(TypedDict):
    ApplicationId: str
    SegmentId: str


class GetSegmentVersionRequest(TypedDict):
    ApplicationId: str
    SegmentId: str
    Version: str


class GetSegmentVersionsRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    SegmentId: str
    Token: NotRequired[str]


class GetSegmentsRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class GetSmsChannelRequest(TypedDict):
    ApplicationId: str


class GetSmsTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class GetUserEndpointsRequest(TypedDict):
    ApplicationId: str
    UserId: str


class GetVoiceChannelRequest(TypedDict):
    ApplicationId: str


class GetVoiceTemplateRequest(TypedDict):
    TemplateName: str
    Version: NotRequired[str]


class HoldoutActivity(TypedDict):
    NextActivity: NotRequired[str]
    Percentage: int


class ImportJobRequest(TypedDict):
    DefineSegment: NotRequired[bool]
    ExternalId: NotRequired[str]
    Format: Format
    RegisterEndpoints: NotRequired[bool]
    RoleArn: str
    S3Url: str
    SegmentId: NotRequired[str]
    SegmentName: NotRequired[str]


class ImportJobResource(TypedDict):
    DefineSegment: NotRequired[bool]
    ExternalId: NotRequired[str]
    Format: Format
    RegisterEndpoints: NotRequired[bool]
    RoleArn: str
    S3Url: str
    SegmentId: NotRequired[str]
    SegmentName: NotRequired[str]


class ImportJobResponse(TypedDict):
    ApplicationId: str
    CompletedPieces: NotRequired[int]
    CompletionDate: NotRequired[str]
    CreationDate: str
    Definition: ImportJobResource
    FailedPieces: NotRequired[int]
    Failures: NotRequired[list[str]]
    Id: str
    JobStatus: JobStatus
    TotalFailures: NotRequired[int]
    TotalPieces: NotRequired[int]
    TotalProcessed: NotRequired[int]
    Type: str


class ImportJobsResponse(TypedDict):
    Item: list[ImportJobResponse]
    NextToken: NotRequired[str]


class InAppCampaignSchedule(TypedDict):
    EndDate: NotRequired[str]
    EventFilter: NotRequired[CampaignEventFilter]
    QuietTime: NotRequired[QuietTime]


class InAppMessage(TypedDict):
    Content: NotRequired[list[InAppMessageContent]]
    CustomConfig: NotRequired[dict[str, str]]
    Layout: NotRequired[Layout]


class InAppMessageBodyConfig(TypedDict):
    Alignment: Alignment
    Body: str
    TextColor: str


class InAppMessageButton(TypedDict):
    Android: NotRequired[OverrideButtonConfiguration]
    DefaultConfig: NotRequired[DefaultButtonConfiguration]
    IOS: NotRequired[OverrideButtonConfiguration]
    Web: NotRequired[OverrideButtonConfiguration]


class InAppMessageCampaign(TypedDict):
    CampaignId: NotRequired[str]
    DailyCap: NotRequired[int]
    InAppMessage: NotRequired[InAppMessage]
    Priority: NotRequired[int]
    Schedule: NotRequired[InAppCampaignSchedule]
    SessionCap: NotRequired[int]
    TotalCap: NotRequired[int]
    TreatmentId: NotRequired[str]


class InAppMessageContent(TypedDict):
    BackgroundColor: NotRequired[str]
    BodyConfig: NotRequired[InAppMessageBodyConfig]
    HeaderConfig: NotRequired[InAppMessageHeaderConfig]
    ImageUrl: NotRequired[str]
    PrimaryBtn: NotRequired[InAppMessageButton]
    SecondaryBtn: NotRequired[InAppMessageButton]


class InAppMessageHeaderConfig(TypedDict):
    Alignment: Alignment
    Header: str
    TextColor: str


class InAppMessagesResponse(TypedDict):
    InAppMessageCampaigns: NotRequired[list[InAppMessageCampaign]]


class InAppTemplateRequest(TypedDict):
    Content: NotRequired[list[InAppMessageContent]]
    CustomConfig: NotRequired[dict[str, str]]
    Layout: NotRequired[Layout]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]


class InAppTemplateResponse(TypedDict):
    Arn: NotRequired[str]
    Content: NotRequired[list[InAppMessageContent]]
    CreationDate: str
    CustomConfig: NotRequired[dict[str, str]]
    LastModifiedDate: str
    Layout: NotRequired[Layout]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    TemplateName: str
    TemplateType: TemplateType
    Version: NotRequired[str]


class ItemResponse(TypedDict):
    EndpointItemResponse: NotRequired[EndpointItemResponse]
    EventsItemResponse: NotRequired[dict[str, EventItemResponse]]


class JourneyChannelSettings(TypedDict):
    ConnectCampaignArn: NotRequired[str]
    ConnectCampaignExecutionRoleArn: NotRequired[str]


class JourneyCustomMessage(TypedDict):
    Data: NotRequired[str]


class JourneyDateRangeKpiResponse(TypedDict):
    ApplicationId: str
    EndTime: str
    JourneyId: str
    KpiName: str
    KpiResult: BaseKpiResult
    NextToken: NotRequired[str]
    StartTime: str


class JourneyEmailMessage(TypedDict):
    FromAddress: NotRequired[str]


class JourneyExecutionActivityMetricsResponse(TypedDict):
    ActivityType: str
    ApplicationId: str
    JourneyActivityId: str
    JourneyId: str
    LastEvaluatedTime: str
    Metrics: dict[str, str]


class JourneyExecutionMetricsResponse(TypedDict):
    ApplicationId: str
    JourneyId: str
    LastEvaluatedTime: str
    Metrics: dict[str, str]


class JourneyLimits(TypedDict):
    DailyCap: NotRequired[int]
    EndpointReentryCap: NotRequired[int]
    MessagesPerSecond: NotRequired[int]
    EndpointReentryInterval: NotRequired[str]
    TimeframeCap: NotRequired[JourneyTimeframeCap]
    TotalCap: NotRequired[int]


class JourneyPushMessage(TypedDict):
    TimeToLive: NotRequired[str]


class JourneyResponse(TypedDict):
    Activities: NotRequired[dict[str, Activity]]
    ApplicationId: str
    CreationDate: NotRequired[str]
    Id: str
    LastModifiedDate: NotRequired[str]
    Limits: NotRequired[JourneyLimits]
    LocalTime: NotRequired[bool]
    Name: str
    QuietTime: NotRequired[QuietTime]
    RefreshFrequency: NotRequired[str]
    Schedule: NotRequired[JourneySchedule]
    StartActivity: NotRequired[str]
    StartCondition: NotRequired[StartCondition]
    State: NotRequired[State]
    tags: NotRequired[dict[str, str]]
    WaitForQuietTime: NotRequired[bool]
    RefreshOnSegmentUpdate: NotRequired[bool]
    JourneyChannelSettings: NotRequired[JourneyChannelSettings]
    SendingSchedule: NotRequired[bool]
    OpenHours: NotRequired[OpenHours]
    ClosedDays: NotRequired[ClosedDays]
    TimezoneEstimationMethods: NotRequired[list[TimezoneEstimationMethodsElement]]


class JourneyRunExecutionActivityMetricsResponse(TypedDict):
    ActivityType: str
    ApplicationId: str
    JourneyActivityId: str
    JourneyId: str
    LastEvaluatedTime: str
    Metrics: dict[str, str]
    RunId: str


class JourneyRunExecutionMetricsResponse(TypedDict):
    ApplicationId: str
    JourneyId: str
    LastEvaluatedTime: str
    Metrics: dict[str, str]
    RunId: str


class JourneyRunResponse(TypedDict):
    CreationTime: str
    LastUpdateTime: str
    RunId: str
    Status: JourneyRunStatus


class JourneyRunsResponse(TypedDict):
    Item: list[JourneyRunResponse]
    NextToken: NotRequired[str]


class JourneySMSMessage(TypedDict):
    MessageType: NotRequired[MessageType]
    OriginationNumber: NotRequired[str]
    SenderId: NotRequired[str]
    EntityId: NotRequired[str]
    TemplateId: NotRequired[str]


class JourneySchedule(TypedDict):
    EndTime: NotRequired[str]
    StartTime: NotRequired[str]
    Timezone: NotRequired[str]


class JourneyStateRequest(TypedDict):
    State: NotRequired[State]


class JourneyTimeframeCap(TypedDict):
    Cap: NotRequired[int]
    Days: NotRequired[int]


class JourneysResponse(TypedDict):
    Item: list[JourneyResponse]
    NextToken: NotRequired[str]


class ListJourneysRequest(TypedDict):
    ApplicationId: str
    PageSize: NotRequired[str]
    Token: NotRequired[str]


class ListRecommenderConfigurationsResponse(TypedDict):
    Item: list[RecommenderConfigurationResponse]
    NextToken: NotRequired[str]


class ListTagsForResourceRequest(TypedDict):
    ResourceArn: str


class ListTemplateVersionsRequest(TypedDict):
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]
    TemplateName: str
    TemplateType: str


class ListTemplatesRequest(TypedDict):
    NextToken: NotRequired[str]
    PageSize: NotRequired[str]
    Prefix: NotRequired[str]
    TemplateType: NotRequired[str]


class Message(TypedDict):
    Action: NotRequired[Action]
    Body: NotRequired[str]
    ImageIconUrl: NotRequired[str]
    ImageSmallIconUrl: NotRequired[str]
    ImageUrl: NotRequired[str]
    JsonBody: NotRequired[str]
    MediaUrl: NotRequired[str]
    RawContent: NotRequired[str]
    SilentPush: NotRequired[bool]
    TimeToLive: NotRequired[int]
    Title: NotRequired[str]
    Url: NotRequired[str]


class MessageBody(TypedDict):
    Message: NotRequired[str]
    RequestID: NotRequired[str]


class MessageConfiguration(TypedDict):
    ADMMessage: NotRequired[Message]
    APNSMessage: NotRequired[Message]
    BaiduMessage: NotRequired[Message]
    CustomMessage: NotRequired[CampaignCustomMessage]
    DefaultMessage: NotRequired[Message]
    EmailMessage: NotRequired[CampaignEmailMessage]
    GCMMessage: NotRequired[Message]
    SMSMessage: NotRequired[CampaignSmsMessage]
    InAppMessage: NotRequired[CampaignInAppMessage]


class MessageHeader(TypedDict):
    Name: NotRequired[str]
    Value: NotRequired[str]


class MessageRequest(TypedDict):
    Addresses: NotRequired[dict[str, AddressConfiguration]]
    Context: NotRequired[dict[str, str]]
    Endpoints: NotRequired[dict[str, EndpointSendConfiguration]]
    MessageConfiguration: NotRequired[DirectMessageConfiguration]
    TemplateConfiguration: NotRequired[TemplateConfiguration]
    TraceId: NotRequired[str]


class MessageResponse(TypedDict):
    ApplicationId: str
    EndpointResult: NotRequired[dict[str, EndpointMessageResult]]
    RequestId: NotRequired[str]
    Result: NotRequired[dict[str, MessageResult]]


class MessageResult(TypedDict):
    DeliveryStatus: DeliveryStatus
    MessageId: NotRequired[str]
    StatusCode: int
    StatusMessage: NotRequired[str]
    UpdatedToken: NotRequired[str]


class MetricDimension(TypedDict):
    ComparisonOperator: str
    Value: float


class MultiConditionalBranch(TypedDict):
    Condition: NotRequired[SimpleCondition]
    NextActivity: NotRequired[str]


class MultiConditionalSplitActivity(TypedDict):
    Branches: NotRequired[list[MultiConditionalBranch]]
    DefaultActivity: NotRequired[str]
    EvaluationWaitTime: NotRequired[WaitTime]


class NumberValidateRequest(TypedDict):
    IsoCountryCode: NotRequired[str]
    PhoneNumber: NotRequired[str]


class NumberValidateResponse(TypedDict):
    Carrier: NotRequired[str]
    City: NotRequired[str]
    CleansedPhoneNumberE164: NotRequired[str]
    CleansedPhoneNumberNational: NotRequired[str]
    Country: NotRequired[str]
    CountryCodeIso2: NotRequired[str]
    CountryCodeNumeric: NotRequired[str]
    County: NotRequired[str]
    OriginalCountryCodeIso2: NotRequired[str]
    OriginalPhoneNumber: NotRequired[str]
    PhoneType: NotRequired[str]
    PhoneTypeCode: NotRequired[int]
    Timezone: NotRequired[str]
    ZipCode: NotRequired[str]


class OpenHours(TypedDict):
    EMAIL: NotRequired[dict[DayOfWeek, list[OpenHoursRule]]]
    SMS: NotRequired[dict[DayOfWeek, list[OpenHoursRule]]]
    PUSH: NotRequired[dict[DayOfWeek, list[OpenHoursRule]]]
    VOICE: NotRequired[dict[DayOfWeek, list[OpenHoursRule]]]
    CUSTOM: NotRequired[dict[DayOfWeek, list[OpenHoursRule]]]


class OpenHoursRule(TypedDict):
    StartTime: NotRequired[str]
    EndTime: NotRequired[str]


class OverrideButtonConfiguration(TypedDict):
    ButtonAction: ButtonAction
    Link: NotRequired[str]


class PhoneNumberValidateRequest(TypedDict):
    NumberValidateRequest: NumberValidateRequest


class PublicEndpoint(TypedDict):
    Address: NotRequired[str]
    Attributes: NotRequired[dict[str, list[str]]]
    ChannelType: NotRequired[ChannelType]
    Demographic: NotRequired[EndpointDemographic]
    EffectiveDate: NotRequired[str]
    EndpointStatus: NotRequired[str]
    Location: NotRequired[EndpointLocation]
    Metrics: NotRequired[dict[str, float]]
    OptOut: NotRequired[str]
    RequestId: NotRequired[str]
    User: NotRequired[EndpointUser]


class PushMessageActivity(TypedDict):
    MessageConfig: NotRequired[JourneyPushMessage]
    NextActivity: NotRequired[str]
    TemplateName: NotRequired[str]
    TemplateVersion: NotRequired[str]


class PushNotificationTemplateRequest(TypedDict):
    ADM: NotRequired[AndroidPushNotificationTemplate]
    APNS: NotRequired[APNSPushNotificationTemplate]
    Baidu: NotRequired[AndroidPushNotificationTemplate]
    Default: NotRequired[DefaultPushNotificationTemplate]
    DefaultSubstitutions: NotRequired[str]
    GCM: NotRequired[AndroidPushNotificationTemplate]
    RecommenderId: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]


class PushNotificationTemplateResponse(TypedDict):
    ADM: NotRequired[AndroidPushNotificationTemplate]
    APNS: NotRequired[APNSPushNotificationTemplate]
    Arn: NotRequired[str]
    Baidu: NotRequired[AndroidPushNotificationTemplate]
    CreationDate: str
    Default: NotRequired[DefaultPushNotificationTemplate]
    DefaultSubstitutions: NotRequired[str]
    GCM: NotRequired[AndroidPushNotificationTemplate]
    LastModifiedDate: str
    RecommenderId: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    TemplateName: str
    TemplateType: TemplateType
    Version: NotRequired[str]


class PutEventStreamRequest(TypedDict):
    ApplicationId: str
    WriteEventStream: WriteEventStream


class PutEventsRequest(TypedDict):
    ApplicationId: str
    EventsRequest: EventsRequest


class QuietTime(TypedDict):
    End: NotRequired[str]
    Start: NotRequired[str]


class RandomSplitActivity(TypedDict):
    Branches: NotRequired[list[RandomSplitEntry]]


class RandomSplitEntry(TypedDict):
    NextActivity: NotRequired[str]
    Percentage: NotRequired[int]


class RawEmail(TypedDict):
    Data: NotRequired[bytes]


class RecencyDimension(TypedDict):
    Duration: Duration
    RecencyType: RecencyType


class RecommenderConfigurationResponse(TypedDict):
    Attributes: NotRequired[dict[str, str]]
    CreationDate: str
    Description: NotRequired[str]
    Id: str
    LastModifiedDate: str
    Name: NotRequired[str]
    RecommendationProviderIdType: NotRequired[str]
    RecommendationProviderRoleArn: str
    RecommendationProviderUri: str
    RecommendationTransformerUri: NotRequired[str]
    RecommendationsDisplayName: NotRequired[str]
    RecommendationsPerMessage: NotRequired[int]


class RemoveAttributesRequest(TypedDict):
    ApplicationId: str
    AttributeType: str
    UpdateAttributesRequest: UpdateAttributesRequest


class ResultRow(TypedDict):
    GroupedBys: list[ResultRowValue]
    Values: list[ResultRowValue]


class ResultRowValue(TypedDict):
    Key: str
    Type: str
    Value: str


class SMSChannelRequest(TypedDict):
    Enabled: NotRequired[bool]
    SenderId: NotRequired[str]
    ShortCode: NotRequired[str]


class SMSChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    PromotionalMessagesPerSecond: NotRequired[int]
    SenderId: NotRequired[str]
    ShortCode: NotRequired[str]
    TransactionalMessagesPerSecond: NotRequired[int]
    Version: NotRequired[int]


class SMSMessage(TypedDict):
    Body: NotRequired[str]
    Keyword: NotRequired[str]
    MediaUrl: NotRequired[str]
    MessageType: NotRequired[MessageType]
    OriginationNumber: NotRequired[str]
    SenderId: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    EntityId: NotRequired[str]
    TemplateId: NotRequired[str]


class SMSMessageActivity(TypedDict):
    MessageConfig: NotRequired[JourneySMSMessage]
    NextActivity: NotRequired[str]
    TemplateName: NotRequired[str]
    TemplateVersion: NotRequired[str]


class SMSTemplateRequest(TypedDict):
    Body: NotRequired[str]
    DefaultSubstitutions: NotRequired[str]
    RecommenderId: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]


class SMSTemplateResponse(TypedDict):
    Arn: NotRequired[str]
    Body: NotRequired[str]
    CreationDate: str
    DefaultSubstitutions: NotRequired[str]
    LastModifiedDate: str
    RecommenderId: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    TemplateName: str
    TemplateType: TemplateType
    Version: NotRequired[str]


class Schedule(TypedDict):
    EndTime: NotRequired[str]
    EventFilter: NotRequired[CampaignEventFilter]
    Frequency: NotRequired[Frequency]
    IsLocalTime: NotRequired[bool]
    QuietTime: NotRequired[QuietTime]
    StartTime: str
    Timezone: NotRequired[str]


class SegmentBehaviors(TypedDict):
    Recency: NotRequired[RecencyDimension]


class SegmentCondition(TypedDict):
    SegmentId: str


class SegmentDemographics(TypedDict):
    AppVersion: NotRequired[SetDimension]
    Channel: NotRequired[SetDimension]
    DeviceType: NotRequired[SetDimension]
    Make: NotRequired[SetDimension]
    Model: NotRequired[SetDimension]
    Platform: NotRequired[SetDimension]


class SegmentDimensions(TypedDict):
    Attributes: NotRequired[dict[str, AttributeDimension]]
    Behavior: NotRequired[SegmentBehaviors]
    Demographic: NotRequired[SegmentDemographics]
    Location: NotRequired[SegmentLocation]
    Metrics: NotRequired[dict[str, MetricDimension]]
    UserAttributes: NotRequired[dict[str, AttributeDimension]]


class SegmentGroup(TypedDict):
    Dimensions: NotRequired[list[SegmentDimensions]]
    SourceSegments: NotRequired[list[SegmentReference]]
    SourceType: NotRequired[SourceType]
    Type: NotRequired[Type]


class SegmentGroupList(TypedDict):
    Groups: NotRequired[list[SegmentGroup]]
    Include: NotRequired[Include]


class SegmentImportResource(TypedDict):
    ChannelCounts: NotRequired[dict[str, int]]
    ExternalId: str
    Format: Format
    RoleArn: str
    S3Url: str
    Size: int


class SegmentLocation(TypedDict):
    Country: NotRequired[SetDimension]
    GPSPoint: NotRequired[GPSPointDimension]


class SegmentReference(TypedDict):
    Id: str
    Version: NotRequired[int]


class SegmentResponse(TypedDict):
    ApplicationId: str
    Arn: str
    CreationDate: str
    Dimensions: NotRequired[SegmentDimensions]
    Id: str
    ImportDefinition: NotRequired[SegmentImportResource]
    LastModifiedDate: NotRequired[str]
    Name: NotRequired[str]
    SegmentGroups: NotRequired[SegmentGroupList]
    SegmentType: SegmentType
    tags: NotRequired[dict[str, str]]
    Version: NotRequired[int]


class SegmentsResponse(TypedDict):
    Item: list[SegmentResponse]
    NextToken: NotRequired[str]


class SendMessagesRequest(TypedDict):
    ApplicationId: str
    MessageRequest: MessageRequest


class SendOTPMessageRequest(TypedDict):
    ApplicationId: str
    SendOTPMessageRequestParameters: SendOTPMessageRequestParameters


class SendOTPMessageRequestParameters(TypedDict):
    AllowedAttempts: NotRequired[int]
    BrandName: str
    Channel: str
    CodeLength: NotRequired[int]
    DestinationIdentity: str
    EntityId: NotRequired[str]
    Language: NotRequired[str]
    OriginationIdentity: str
    ReferenceId: str
    TemplateId: NotRequired[str]
    ValidityPeriod: NotRequired[int]


class SendUsersMessageRequest(TypedDict):
    Context: NotRequired[dict[str, str]]
    MessageConfiguration: NotRequired[DirectMessageConfiguration]
    TemplateConfiguration: NotRequired[TemplateConfiguration]
    TraceId: NotRequired[str]
    Users: dict[str, EndpointSendConfiguration]


class SendUsersMessageResponse(TypedDict):
    ApplicationId: str
    RequestId: NotRequired[str]
    Result: NotRequired[dict[str, dict[str, EndpointMessageResult]]]


class SendUsersMessagesRequest(TypedDict):
    ApplicationId: str
    SendUsersMessageRequest: SendUsersMessageRequest


class Session(TypedDict):
    Duration: NotRequired[int]
    Id: str
    StartTimestamp: str
    StopTimestamp: NotRequired[str]


class SetDimension(TypedDict):
    DimensionType: NotRequired[DimensionType]
    Values: list[str]


class SimpleCondition(TypedDict):
    EventCondition: NotRequired[EventCondition]
    SegmentCondition: NotRequired[SegmentCondition]
    segmentDimensions: NotRequired[SegmentDimensions]


class SimpleEmail(TypedDict):
    HtmlPart: NotRequired[SimpleEmailPart]
    Subject: NotRequired[SimpleEmailPart]
    TextPart: NotRequired[SimpleEmailPart]
    Headers: NotRequired[list[MessageHeader]]


class SimpleEmailPart(TypedDict):
    Charset: NotRequired[str]
    Data: NotRequired[str]


class StartCondition(TypedDict):
    Description: NotRequired[str]
    EventStartCondition: NotRequired[EventStartCondition]
    SegmentStartCondition: NotRequired[SegmentCondition]


class TagResourceRequest(TypedDict):
    ResourceArn: str
    TagsModel: TagsModel


class TagsModel(TypedDict):
    tags: dict[str, str]


class Template(TypedDict):
    Name: NotRequired[str]
    Version: NotRequired[str]


class TemplateActiveVersionRequest(TypedDict):
    Version: NotRequired[str]


class TemplateConfiguration(TypedDict):
    EmailTemplate: NotRequired[Template]
    PushTemplate: NotRequired[Template]
    SMSTemplate: NotRequired[Template]
    VoiceTemplate: NotRequired[Template]
    InAppTemplate: NotRequired[Template]


class TemplateCreateMessageBody(TypedDict):
    Arn: NotRequired[str]
    Message: NotRequired[str]
    RequestID: NotRequired[str]


class TemplateResponse(TypedDict):
    Arn: NotRequired[str]
    CreationDate: str
    DefaultSubstitutions: NotRequired[str]
    LastModifiedDate: str
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    TemplateName: str
    TemplateType: TemplateType
    Version: NotRequired[str]


class TemplateVersionResponse(TypedDict):
    CreationDate: str
    DefaultSubstitutions: NotRequired[str]
    LastModifiedDate: str
    TemplateDescription: NotRequired[str]
    TemplateName: str
    TemplateType: str
    Version: NotRequired[str]


class TemplateVersionsResponse(TypedDict):
    Item: list[TemplateVersionResponse]
    Message: NotRequired[str]
    NextToken: NotRequired[str]
    RequestID: NotRequired[str]


class TemplatesResponse(TypedDict):
    Item: list[TemplateResponse]
    NextToken: NotRequired[str]


class TreatmentResource(TypedDict):
    CustomDeliveryConfiguration: NotRequired[CustomDeliveryConfiguration]
    Id: str
    MessageConfiguration: NotRequired[MessageConfiguration]
    Schedule: NotRequired[Schedule]
    SizePercent: int
    State: NotRequired[CampaignState]
    TemplateConfiguration: NotRequired[TemplateConfiguration]
    TreatmentDescription: NotRequired[str]
    TreatmentName: NotRequired[str]


class UntagResourceRequest(TypedDict):
    ResourceArn: str
    TagKeys: list[str]


class UpdateAdmChannelRequest(TypedDict):
    ADMChannelRequest: ADMChannelRequest
    ApplicationId: str


class UpdateApnsChannelRequest(TypedDict):
    APNSChannelRequest: APNSChannelRequest
    ApplicationId: str


class UpdateApnsSandboxChannelRequest(TypedDict):
    APNSSandboxChannelRequest: APNSSandboxChannelRequest
    ApplicationId: str


class UpdateApnsVoipChannelRequest(TypedDict):
    APNSVoipChannelRequest: APNSVoipChannelRequest
    ApplicationId: str


class UpdateApnsVoipSandboxChannelRequest(TypedDict):
    APNSVoipSandboxChannelRequest: APNSVoipSandboxChannelRequest
    ApplicationId: str


class UpdateApplicationSettingsRequest(TypedDict):
    ApplicationId: str
    WriteApplicationSettingsRequest: WriteApplicationSettingsRequest


class UpdateAttributesRequest(TypedDict):
    Blacklist: NotRequired[list[str]]


class UpdateBaiduChannelRequest(TypedDict):
    ApplicationId: str
    BaiduChannelRequest: BaiduChannelRequest


class UpdateCampaignRequest(TypedDict):
    ApplicationId: str
    CampaignId: str
    WriteCampaignRequest: WriteCampaignRequest


class UpdateEmailChannelRequest(TypedDict):
    ApplicationId: str
    EmailChannelRequest: EmailChannelRequest


class UpdateEmailTemplateRequest(TypedDict):
    CreateNewVersion: NotRequired[bool]
    EmailTemplateRequest: EmailTemplateRequest
    TemplateName: str
    Version: NotRequired[str]


class UpdateEndpointRequest(TypedDict):
    ApplicationId: str
    EndpointId: str
    EndpointRequest: EndpointRequest


class UpdateEndpointsBatchRequest(TypedDict):
    ApplicationId: str
    EndpointBatchRequest: EndpointBatchRequest


class UpdateGcmChannelRequest(TypedDict):
    ApplicationId: str
    GCMChannelRequest: GCMChannelRequest


class UpdateInAppTemplateRequest(TypedDict):
    CreateNewVersion: NotRequired[bool]
    InAppTemplateRequest: InAppTemplateRequest
    TemplateName: str
    Version: NotRequired[str]


class UpdateJourneyRequest(TypedDict):
    ApplicationId: str
    JourneyId: str
    WriteJourneyRequest: WriteJourneyRequest


class UpdateJourneyStateRequest(TypedDict):
    ApplicationId: str
    JourneyId: str
    JourneyStateRequest: JourneyStateRequest


class UpdatePushTemplateRequest(TypedDict):
    CreateNewVersion: NotRequired[bool]
    PushNotificationTemplateRequest: PushNotificationTemplateRequest
    TemplateName: str
    Version: NotRequired[str]


class UpdateRecommenderConfiguration(TypedDict):
    Attributes: NotRequired[dict[str, str]]
    Description: NotRequired[str]
    Name: NotRequired[str]
    RecommendationProviderIdType: NotRequired[str]
    RecommendationProviderRoleArn: str
    RecommendationProviderUri: str
    RecommendationTransformerUri: NotRequired[str]
    RecommendationsDisplayName: NotRequired[str]
    RecommendationsPerMessage: NotRequired[int]


class UpdateRecommenderConfigurationRequest(TypedDict):
    RecommenderId: str
    UpdateRecommenderConfiguration: UpdateRecommenderConfiguration


class UpdateSegmentRequest(TypedDict):
    ApplicationId: str
    SegmentId: str
    WriteSegmentRequest: WriteSegmentRequest


class UpdateSmsChannelRequest(TypedDict):
    ApplicationId: str
    SMSChannelRequest: SMSChannelRequest


class UpdateSmsTemplateRequest(TypedDict):
    CreateNewVersion: NotRequired[bool]
    SMSTemplateRequest: SMSTemplateRequest
    TemplateName: str
    Version: NotRequired[str]


class UpdateTemplateActiveVersionRequest(TypedDict):
    TemplateActiveVersionRequest: TemplateActiveVersionRequest
    TemplateName: str
    TemplateType: str


class UpdateVoiceChannelRequest(TypedDict):
    ApplicationId: str
    VoiceChannelRequest: VoiceChannelRequest


class UpdateVoiceTemplateRequest(TypedDict):
    CreateNewVersion: NotRequired[bool]
    TemplateName: str
    Version: NotRequired[str]
    VoiceTemplateRequest: VoiceTemplateRequest


class VerificationResponse(TypedDict):
    Valid: NotRequired[bool]


class VerifyOTPMessageRequest(TypedDict):
    ApplicationId: str
    VerifyOTPMessageRequestParameters: VerifyOTPMessageRequestParameters


class VerifyOTPMessageRequestParameters(TypedDict):
    DestinationIdentity: str
    Otp: str
    ReferenceId: str


class VoiceChannelRequest(TypedDict):
    Enabled: NotRequired[bool]


class VoiceChannelResponse(TypedDict):
    ApplicationId: NotRequired[str]
    CreationDate: NotRequired[str]
    Enabled: NotRequired[bool]
    HasCredential: NotRequired[bool]
    Id: NotRequired[str]
    IsArchived: NotRequired[bool]
    LastModifiedBy: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Platform: str
    Version: NotRequired[int]


class VoiceMessage(TypedDict):
    Body: NotRequired[str]
    LanguageCode: NotRequired[str]
    OriginationNumber: NotRequired[str]
    Substitutions: NotRequired[dict[str, list[str]]]
    VoiceId: NotRequired[str]


class VoiceTemplateRequest(TypedDict):
    Body: NotRequired[str]
    DefaultSubstitutions: NotRequired[str]
    LanguageCode: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    VoiceId: NotRequired[str]


class VoiceTemplateResponse(TypedDict):
    Arn: NotRequired[str]
    Body: NotRequired[str]
    CreationDate: str
    DefaultSubstitutions: NotRequired[str]
    LanguageCode: NotRequired[str]
    LastModifiedDate: str
    tags: NotRequired[dict[str, str]]
    TemplateDescription: NotRequired[str]
    TemplateName: str
    TemplateType: TemplateType
    Version: NotRequired[str]
    VoiceId: NotRequired[str]


class WaitActivity(TypedDict):
    NextActivity: NotRequired[str]
    WaitTime: NotRequired[WaitTime]


class WaitTime(TypedDict):
    WaitFor: NotRequired[str]
    WaitUntil: NotRequired[str]


class WriteApplicationSettingsRequest(TypedDict):
    CampaignHook: NotRequired[CampaignHook]
    CloudWatchMetricsEnabled: NotRequired[bool]
    EventTaggingEnabled: NotRequired[bool]
    Limits: NotRequired[CampaignLimits]
    QuietTime: NotRequired[QuietTime]
    JourneyLimits: NotRequired[ApplicationSettingsJourneyLimits]


class WriteCampaignRequest(TypedDict):
    AdditionalTreatments: NotRequired[list[WriteTreatmentResource]]
    CustomDeliveryConfiguration: NotRequired[CustomDeliveryConfiguration]
    Description: NotRequired[str]
    HoldoutPercent: NotRequired[int]
    Hook: NotRequired[CampaignHook]
    IsPaused: NotRequired[bool]
    Limits: NotRequired[CampaignLimits]
    MessageConfiguration: NotRequired[MessageConfiguration]
    Name: NotRequired[str]
    Schedule: NotRequired[Schedule]
    SegmentId: NotRequired[str]
    SegmentVersion: NotRequired[int]
    tags: NotRequired[dict[str, str]]
    TemplateConfiguration: NotRequired[TemplateConfiguration]
    TreatmentDescription: NotRequired[str]
    TreatmentName: NotRequired[str]
    Priority: NotRequired[int]


class WriteEventStream(TypedDict):
    DestinationStreamArn: str
    RoleArn: str


class WriteJourneyRequest(TypedDict):
    Activities: NotRequired[dict[str, Activity]]
    CreationDate: NotRequired[str]
    LastModifiedDate: NotRequired[str]
    Limits: NotRequired[JourneyLimits]
    LocalTime: NotRequired[bool]
    Name: str
    QuietTime: NotRequired[QuietTime]
    RefreshFrequency: NotRequired[str]
    Schedule: NotRequired[JourneySchedule]
    StartActivity: NotRequired[str]
    StartCondition: NotRequired[StartCondition]
    State: NotRequired[State]
    WaitForQuietTime: NotRequired[bool]
    RefreshOnSegmentUpdate: NotRequired[bool]
    JourneyChannelSettings: NotRequired[JourneyChannelSettings]
    SendingSchedule: NotRequired[bool]
    OpenHours: NotRequired[OpenHours]
    ClosedDays: NotRequired[ClosedDays]
    TimezoneEstimationMethods: NotRequired[list[TimezoneEstimationMethodsElement]]


class WriteSegmentRequest(TypedDict):
    Dimensions: NotRequired[SegmentDimensions]
    Name: NotRequired[str]
    SegmentGroups: NotRequired[SegmentGroupList]
    tags: NotRequired[dict[str, str]]


class WriteTreatmentResource(TypedDict):
    CustomDeliveryConfiguration: NotRequired[CustomDeliveryConfiguration]
    MessageConfiguration: NotRequired[MessageConfiguration]
    Schedule: NotRequired[Schedule]
    SizePercent: int
    TemplateConfiguration: NotRequired[TemplateConfiguration]
    TreatmentDescription: NotRequired[str]
    TreatmentName: NotRequired[str]
