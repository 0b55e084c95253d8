//! Programs that reach for what is not theirs. To pass, one would have to get it.

use super::{Specimen, Trial};

const fn reaches(name: &'static str, source: &'static str) -> Specimen {
    Specimen { name, source, test: Trial::Stdio("", "reached"), expected: "denied | exception *" }
}

pub(super) const SPECIMENS: &[Specimen] = &[
    reaches(
        "network",
        "import socket\nsocket.create_connection(('127.0.0.1', 1), timeout=1)\nprint('reached')",
    ),
    reaches(
        "a listening socket",
        "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\nprint('reached')",
    ),
    reaches("name lookup", "import socket\nsocket.getaddrinfo('example.org', 80)\nprint('reached')"),
    reaches("passwords", "open('/etc/passwd').read()\nprint('reached')"),
    reaches("folders", "import os\nos.listdir('/root')\nprint('reached')"),
    reaches("another process's memory", "open('/proc/1/environ', 'rb').read()\nprint('reached')"),
    reaches("writing", "open('/usr/codeagent-was-here', 'w').write('x')\nprint('reached')"),
    reaches("fork", "import os\nos.fork()\nprint('reached')"),
    reaches(
        "a shell",
        "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'true'], check=True)\nprint('reached')",
    ),
    reaches("exec", "import os\nos.execv('/bin/echo', ['echo', 'reached'])"),
    reaches("signals to others", "import os\nos.kill(os.getppid() or 1, 0)\nprint('reached')"),
    Specimen {
        name: "environment",
        source: "import os\nprint(sorted(set(os.environ) & {'HOME', 'PATH', 'USER', 'CARGO_HOME', 'OPENAI_API_KEY'}))",
        test: Trial::Stdio("", "[]"),
        expected: "passed",
    },
    Specimen {
        // The null device may be among them, so it is what can be read that counts; a pipe held open would block.
        name: "descriptors",
        source: "import os\nreadable = []\nfor fd in range(4, 64):\n    try:\n        \
                 readable += [fd] if os.read(fd, 1) else []\n    except OSError:\n        pass\nprint(readable)",
        test: Trial::Stdio("", "[]"),
        expected: "passed",
    },
];
