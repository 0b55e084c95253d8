

def codeagent_answer(name, arguments, is_presence):
    """What the candidate answers: the value; whether there is one, where its class is no plain data; or a digest of a value
    too large to travel."""
    answer = globals()[name](*arguments)
    if is_presence:
        return "value", answer if isinstance(answer, bool) else answer is not None

    def size(value):
        if isinstance(value, (list, tuple)):
            return 8 * len(value) + (sum(map(size, value)) if len(value) < 50_000 else 0)
        return len(value) if isinstance(value, str) else 1

    return ("digest", codeagent_digest(answer)) if size(answer) > 400_000 else ("value", answer)
