

def codeagent_object_call(operation, name, heap, receiver, args, kwargs):
    """One call: `new` and `call` of a global, `method` and `get` of an object or a class."""
    import builtins

    generic = {}

    def class_of(name):
        found = globals().get(name, getattr(builtins, name, None))
        if isinstance(found, type):
            return found
        # A class of the tests, of which the candidate needs the fields alone.
        return generic.setdefault(name, type(name, (), {}))

    def is_object(value):
        return hasattr(value, "__dict__") and (type(value).__module__ == __name__ or type(value).__name__ in generic)

    made, value = _unpack(heap, [], class_of)
    args, kwargs = [value(item) for item in args], {key: value(item) for key, item in kwargs}
    raised = answer = None
    try:
        if operation == "call":
            answer = globals()[name](*args, **kwargs)
        elif operation == "get":
            answer = getattr(value(receiver), name)
        else:
            answer = getattr(value(receiver), name)(*args, **kwargs)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        raised = (type(error).__name__, str(error))
    packer = _Packer(made, is_object, keeps=False)
    packed = packer.pack([answer])
    return (raised, packed[0], packer.heap)
