"""The driver: the one Python module that every sandbox session runs. It carries out requests of the judge.

Contract with the back-ends
---------------------------
* CPython 3.9 or newer, standard library only; no threads, sockets, processes or ctypes are needed.
* Descriptors 0, 1, 2 are the candidate's stdin, stdout, stderr. Descriptor 3 is the channel, read and written with
  `os.read` and `os.write` only; short reads and short writes are fine, and end of file is an empty read.
* A frame is a little-endian u32 length and that many bytes. The host sends a request frame, the driver sends exactly
  one answer frame, and so on. Back-ends move frames as opaque bytes; only a length above their cap concerns them.
* Start: import this module (name it as you like; a snapshot or zygote imports it once, early: its imports are the
  warm-up, and may call `prepare()`), then call `main()` once per session. `main()` never returns and never raises: at end of file on the
  channel, or when the channel breaks, it flushes stdout and stderr and ends the process with `os._exit(status)`.
  The status is 0 unless a `run` request ended otherwise. `main()` repairs `sys.stdin/stdout/stderr` where they are
  missing and sets their encoding to UTF-8; it does not otherwise touch the process (no signals, limits, chdir).
* Hash order is the back-end's to fix (PYTHONHASHSEED); `random` is seeded here, from the request.
* No file name or argument matters: `sys.argv` is replaced. Nothing on disk is read by the driver.

Contract with the judge
-----------------------
Requests are dictionaries in the `marshal` format, answers dictionaries in the claim codec (see `Encoder`; `claim.rs`
decodes it). Every request has `op` and `id`; the answer repeats `id`. A *problem* is `{class, message, line}`; `line` is the candidate's or None.

  put    {files: {path: bytes}}      writes files below the working folder: {put: True} | {failed: why}
  run    {source, seed}              the whole program as `__main__`; traceback on stderr; then {exit} [+ problem | syntax]
  load   {source, seed}              the program as a module: {loaded: True} | {syntax: {message, line}} | {exception: problem}
  call   {entry, args, kwargs, mutated}   one call: a claim, plus {args, kwargs} as they are afterwards if `mutated`
  probe  {entry, inputs: [(args, kwargs)], goes_on, mutated}   many calls: {answers: [claim]}, for as many of the inputs,
         from the first on, as fit into the frame and the time slice, and for one at least; `goes_on` where the inputs
         are those that the probe before left over; {mutated: True} too, if asked, where a call changed its arguments
  trace  {source, entry | None, args, kwargs, seed}   blocks of one run under a line tracer: {blocks, total} | {none: why}
  test_load {setup, names, seed}     test role: runs the setup; `names` become proxies: {loaded} | {syntax} | {exception}
  test_run  {code}                   runs one test: any number of {call: {args, kwargs}}, each followed by a request
                                     {op: answer, claim, args, kwargs}, then {passed} | {wrong} | {exception} | {unsupported}
  test_rehearse {setup, code, names, seed}   runs a test with stand-ins for answers: {calls: [{args, kwargs, equal, statement}]},
                                     or {none: True} where that can't be done

A *claim* is {value, subclass} | {exception: problem} | {not_plain: what}.

This file, `codec.py`, `programs.py`, `test_role.py`, `rehearsal.py` and `tracer.py` are joined, in this order, into one module.

Nothing here is trusted by the host. Whatever a candidate does to this module changes its own claims and no verdict
rule: expected values are never in this process while it runs candidate code.
"""

import builtins
import io
import os
import struct
import sys
import types
from marshal import dumps as _dumps, loads as _loads
from time import monotonic as _monotonic
from os import _exit, read as _read, write as _write

# A private copy of the builtins for every function below: a candidate that patches `builtins` doesn't reach it.
__builtins__ = dict(builtins.__dict__)

CHANNEL = 3
FILE = "candidate.py"
DEPTH_MAX = 60
NODES_MAX = 100_000
ANSWER_BYTES = 1 << 20
CLAIM_BYTES = 1_024
# A probe is answered about so often, in seconds: what it costs to find the call that ended a program. Less than the host's
# patience with a probe (`TOGETHER_MAX`).
SLICE_S = 0.02
TEXT_MAX = 2_000

_mro = type.__dict__["__mro__"].__get__
_type_name = type.__dict__["__name__"].__get__


_prepared = None
# What `random` was seeded with and has not been used since.
_seeded = None


def prepare():
    """Makes what a session needs before its first request. A back-end may call this once, before it takes a snapshot or
    forks; the streams must then stand on descriptors 0 to 2 already."""
    global _prepared, _seeded
    import random

    _prepared = Session()
    _seeded = 0
    random.seed(_seeded)


def main():
    """Serves requests until the channel ends; ends the process."""
    session = _prepared or Session()
    try:
        session.serve()
    except BaseException:
        pass
    session.leave()


class Session:
    """One life of the driver: the channel, the candidate's module, the exit status."""

    def __init__(self):
        sys.argv = [FILE]
        _add_site_names()
        self.channel = Channel()
        self.streams = _standard_streams()
        self.status = 0
        self.module = None
        self.left_over = None
        self.test = None

    def serve(self):
        operations = {
            "put": self.put,
            "run": self.run,
            "load": self.load,
            "call": self.call,
            "probe": self.probe,
            "trace": self.trace,
            "test_load": self.test_load,
            "test_run": self.test_run,
            "test_rehearse": self.test_rehearse,
        }
        while True:
            request = self.channel.receive()
            if request is None:
                return
            answer = operations[request["op"]](request)
            self.flush()
            self.channel.send(answer)

    def flush(self):
        """Flushes the streams that the session began with, whatever became of `sys.stdout`; runs no candidate code."""
        for stream in self.streams:
            try:
                stream.flush()
            except BaseException:
                pass

    def leave(self):
        self.flush()
        _exit(self.status)

    # Candidate role

    def put(self, request):
        try:
            for path, content in request["files"].items():
                folder = os.path.dirname(path)
                if folder:
                    os.makedirs(folder, exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)
        except OSError as error:
            return {"failed": _text(error)}
        return {"put": True}

    def run(self, request):
        _seed(request)
        module = _new_module("__main__", request["source"])
        answer = {}
        try:
            code = _compile(request["source"], FILE)
        except BaseException as error:
            answer["syntax"] = _syntax(error)
            _print_exception(error)
            self.status = 1
        else:
            try:
                exec(code, module.__dict__)
            except BaseException as error:
                self.status = self._uncaught(error, answer)
        self._end_of_program()
        answer["exit"] = self.status
        return answer

    def _uncaught(self, error, answer):
        if isinstance(error, SystemExit):
            return _exit_status(error)
        answer["exception"] = _problem(error)
        _print_exception(error)
        return 1

    def _end_of_program(self):
        """What CPython does after the last statement: threads, `atexit`, and the flush that can spoil the status."""
        try:
            if "threading" in sys.modules:
                sys.modules["threading"]._shutdown()
            if "atexit" in sys.modules:
                sys.modules["atexit"]._run_exitfuncs()
        except BaseException as error:
            _print_exception(error)
        stdout = sys.stdout
        try:
            if stdout is not None and not getattr(stdout, "closed", False):
                stdout.flush()
        except BaseException:
            self.status = self.status or 120

    def load(self, request):
        _seed(request)
        self.module = _new_module("candidate", request["source"])
        return _execute(request["source"], FILE, self.module.__dict__)

    def call(self, request):
        args, kwargs = list(request["args"]), request["kwargs"]
        claim = self._claim(request, args, kwargs)
        answer = claim.fields
        if request.get("mutated"):
            encoder = Encoder(request["answer_bytes"] - claim.size)
            try:
                answer.update(args=encoder.encode(args), kwargs=encoder.encode(kwargs))
            except NotPlain:
                pass
        return answer

    def probe(self, request):
        left = request["answer_bytes"]
        if not request["goes_on"]:
            self.left_over = None
        answers, until = [], _monotonic() + SLICE_S
        watched, is_mutated = request["mutated"], False
        for args, kwargs in request["inputs"]:
            before = _image((args, kwargs)) if watched else None
            claim = self.left_over or self._claim(request, list(args), kwargs)
            is_mutated = is_mutated or watched and (before is None or before != _image((args, kwargs)))
            left -= claim.size + CLAIM_BYTES
            if answers and left < 0:
                # The call is made, and will not be made again.
                self.left_over = claim
                break
            self.left_over = None
            answers.append(claim.fields)
            if _monotonic() > until:
                break
        return {"answers": answers, "mutated": is_mutated}

    def _claim(self, request, args, kwargs):
        try:
            value = _resolve(self.module.__dict__, request["entry"])(*args, **kwargs)
        except BaseException as error:
            problem = _problem(error)
            return Claim({"exception": problem}, 4 * len(problem["message"]))
        encoder = Encoder(request["answer_bytes"])
        try:
            encoded = encoder.encode(value)
        except NotPlain as error:
            return Claim({"not_plain": error.what}, 0)
        return Claim({"value": encoded, "subclass": encoder.subclass}, len(encoded.bytes))

    def trace(self, request):
        _seed(request)
        return Tracer(request, self).blocks()

    # Test role

    def test_load(self, request):
        _seed(request)
        self.test = TestRole(self.channel, request["names"])
        return self.test.load(request["setup"])

    def test_run(self, request):
        return self.test.run(request["code"])

    def test_rehearse(self, request):
        _seed(request)
        rehearsal = Rehearsal(request["names"], request["answer_bytes"] // 2)
        calls = rehearsal.rehearse(request["setup"], request["code"])
        return {"none": True} if calls is None else {"calls": calls}


def _image(value):
    """The same bytes for the same value of the same types; None for what has no such bytes, as most of what is no plain data. Version 2 knows no references,
    which would tell apart whether somebody else holds a part of it."""
    try:
        return _dumps(value, 2)
    except BaseException:
        return None


class Claim:
    """The fields of an answer and how many bytes they take beyond `CLAIM_BYTES`."""

    def __init__(self, fields, size):
        self.fields = fields
        self.size = size
