"""The driver: the one Python program that every sandbox session runs. It carries out requests of the judge.

Contract with the back-ends
---------------------------
* CPython 3.9 or newer, standard library only; no threads, sockets, processes or ctypes are needed.
* Descriptors 0, 1, 2 are the candidate's stdin, stdout, stderr. Descriptor 3 is the channel, read and written with
  `os.read` and `os.write` only; short reads and short writes are fine, and end of file is an empty read.
* A frame is a little-endian u32 length and that many bytes. The host sends a request frame, the driver sends exactly
  one answer frame, and so on. Back-ends move frames as opaque bytes; only a length above their cap concerns them.
* Start: import this module (name it as you like; a snapshot or zygote imports it once, early: its imports are the
  warm-up), then call `main()` once per session. `main()` never returns and never raises: at end of file on the
  channel, or when the channel breaks, it flushes stdout and stderr and ends the process with `os._exit(status)`.
  The status is 0 unless a `run` request ended otherwise. `main()` repairs `sys.stdin/stdout/stderr` where they are
  missing and sets their encoding to UTF-8; it does not otherwise touch the process (no signals, limits, chdir).
* Hash order is the back-end's to fix (PYTHONHASHSEED); `random` is seeded here, from the request.
* No file name or argument matters: `sys.argv` is replaced. Nothing on disk is read by the driver.

Contract with the judge
-----------------------
Requests and answers are dictionaries in the claim codec (see `Encoder`; its twin is `claim.rs`). Every request has
`op` and `id`; the answer repeats `id`. A *problem* is `{class, message, line}`; `line` is the candidate's or None.

  run    {source, seed}              the whole program as `__main__`; traceback on stderr; then {exit} [+ problem | syntax]
  load   {source, seed}              the program as a module: {loaded: True} | {syntax: {message, line}} | {exception: problem}
  call   {entry, args, kwargs, mutated}   one call: a claim, plus {args, kwargs} as they are afterwards if `mutated`
  probe  {entry, inputs: [(args, kwargs)]}   many calls: {answers: [claim]}
  trace  {source, entry | None, args, kwargs, seed}   blocks of one run under a line tracer: {blocks, total} | {none: why}
  test_load {setup, names, seed}     test role: runs the setup; `names` become proxies: {loaded} | {syntax} | {exception}
  test_run  {code}                   runs one test: any number of {call: {args, kwargs}}, each followed by a request
                                     {op: answer, claim, args, kwargs}, then {passed} | {wrong} | {exception} | {unsupported}

A *claim* is {value, subclass} | {exception: problem} | {not_plain: what}.

Nothing here is trusted by the host. Whatever a candidate does to this module changes its own claims and no verdict
rule: expected values are never in this process while it runs candidate code.
"""
