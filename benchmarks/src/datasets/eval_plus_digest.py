

def codeagent_digest(value):
    """The same for equal answers of any size, numbers of different types included."""
    import hashlib

    digest = hashlib.sha256()

    def add(value):
        if isinstance(value, (bool, int, float)):
            value = int(value) if value == value and abs(value) != float("inf") and value == int(value) else float(value)
            digest.update(b"n%r;" % value)
        elif isinstance(value, str):
            digest.update(b"s%d:" % len(value) + value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, (list, tuple)):
            digest.update(b"%s%d:" % (type(value).__name__.encode(), len(value)))
            for item in value:
                add(item)
        else:
            raise TypeError("a large answer with a value of class %s" % type(value).__name__)

    add(value)
    return digest.hexdigest()
