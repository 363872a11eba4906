from repoint.templates.helper import helper
from repoint.templates.lookup import descend
from repoint.templates.values import Value, text_of


@helper("lookup", skips="never")
def lookup(value: Value, key: Value) -> Value:
    """The member of an object, or the item of a list counted from 0, that another value names."""
    name = text_of(key)
    return None if name is None else descend(value, (name,))
