//! NATS servers for tests: one, or a cluster of three, in folders of their own, gone with the value.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binary::until;

/// Running servers. Stop when dropped.
pub struct NatsServers {
    folder: tempfile::TempDir,
    program: PathBuf,
    nodes: Vec<Node>,
}

struct Node {
    name: String,
    client: u16,
    http: u16,
    server: Option<Child>,
}

impl NatsServers {
    /// Starts a server, or says that this machine has none; under CI that is a failure.
    ///
    /// # Panics
    /// If there is one and it does not start.
    #[must_use]
    pub fn single() -> Option<Self> {
        Self::start(1, "")
    }

    /// Starts a server with `more` in its configuration, as [`NatsServers::single`].
    ///
    /// # Panics
    /// If there is one and it does not start.
    #[must_use]
    pub fn configured(more: &str) -> Option<Self> {
        Self::start(1, more)
    }

    /// Starts a cluster of three, as [`NatsServers::single`].
    ///
    /// # Panics
    /// If there are servers and they find no leader.
    #[must_use]
    pub fn cluster() -> Option<Self> {
        Self::start(3, "")
    }

    #[expect(clippy::expect_used, clippy::print_stderr, reason = "a test helper")]
    fn start(count: usize, more: &str) -> Option<Self> {
        let Some(program) = program() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "nats-server is missing: install the package nats-server"
            );
            eprintln!("SKIPPED: this machine has no nats-server (Debian package nats-server)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ports = free_ports(3 * count);
        let routes: Vec<String> = ports
            .iter()
            .skip(2)
            .step_by(3)
            .map(|port| format!("\"nats-route://127.0.0.1:{port}\""))
            .collect();
        let mut nodes = Vec::new();
        for (index, ports) in ports.chunks(3).enumerate() {
            let [client, http, route] = ports else { continue };
            let name = format!("n{}", index + 1);
            let mut config = format!(
                "server_name: {name}\nlisten: 127.0.0.1:{client}\nhttp: 127.0.0.1:{http}\n\
                 jetstream {{ store_dir: \"{}\", max_mem: 64MB, max_file: 1GB }}\n{more}\n",
                folder.path().join(&name).display()
            );
            if count > 1 {
                config += &format!(
                    "cluster {{ name: ca, listen: 127.0.0.1:{route}, routes: [{}] }}\n",
                    routes.join(", ")
                );
            }
            std::fs::write(folder.path().join(format!("{name}.conf")), config).expect("a configuration");
            nodes.push(Node { name, client: *client, http: *http, server: None });
        }
        let mut servers = Self { folder, program, nodes };
        for index in 0..count {
            servers.revive(index);
        }
        servers.wait();
        Some(servers)
    }

    /// Their addresses, for `--nats`.
    #[must_use]
    pub fn urls(&self) -> String {
        let urls = self.nodes.iter().map(|node| format!("nats://127.0.0.1:{}", node.client));
        urls.collect::<Vec<_>>().join(",")
    }

    /// The folder in which they keep everything.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Kills a server.
    ///
    /// # Panics
    /// If there is no such server.
    #[expect(clippy::indexing_slicing, reason = "a test helper")]
    pub fn kill(&mut self, index: usize) {
        if let Some(mut server) = self.nodes[index].server.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }

    /// Starts a server again, on its folder and ports.
    ///
    /// # Panics
    /// If it does not start.
    #[expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test helper")]
    pub fn revive(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let config = self.folder.path().join(format!("{}.conf", node.name));
        let server = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(&self.program)
            .arg("-c")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        node.server = Some(server.expect("nats-server starts"));
    }

    /// Waits until they serve streams, with as many copies as there are servers.
    ///
    /// # Panics
    /// If they do not within a minute.
    pub fn wait(&self) {
        let count = self.nodes.len();
        until("the servers have a leader", || {
            self.nodes.iter().all(|node| {
                let listens = std::net::TcpStream::connect(("127.0.0.1", node.client)).is_ok();
                listens
                    && get(node.http, "/jsz").is_some_and(|page| {
                        count == 1
                            || (page.contains("\"leader\": \"n")
                                && page.contains(&format!("\"cluster_size\": {count}")))
                    })
            })
        });
    }

    /// The server that leads a stream.
    ///
    /// # Panics
    /// If none does within a minute.
    #[must_use]
    pub fn leader(&self, stream: &str) -> usize {
        let mut found = None;
        until("the stream has a leader", || {
            found = self.leads(stream);
            found.is_some()
        });
        found.unwrap_or_default()
    }

    fn leads(&self, stream: &str) -> Option<usize> {
        let mark = format!("\"name\": \"{stream}\"");
        for node in self.nodes.iter().filter(|node| node.server.is_some()) {
            let Some(page) = get(node.http, "/jsz?streams=true") else { continue };
            let Some((_, rest)) = page.split_once(&mark) else { continue };
            let Some((_, rest)) = rest.split_once("\"leader\": \"") else { continue };
            let leader = rest.split('"').next().unwrap_or_default();
            return self.nodes.iter().position(|node| node.name == leader);
        }
        None
    }
}

impl Drop for NatsServers {
    fn drop(&mut self) {
        for index in 0..self.nodes.len() {
            self.kill(index);
        }
    }
}

/// Ports that are free now, each another one.
#[expect(clippy::expect_used, reason = "a test helper")]
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    held.iter().map(|it| it.local_addr().expect("its address").port()).collect()
}

/// Where the server is, as Debian and others have it.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join("nats-server")).find(|program| program.is_file())
}

/// A page of a server's monitor.
fn get(port: u16, page: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let address = ([127, 0, 0, 1], port).into();
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {page} HTTP/1.0\r\n\r\n").ok()?;
    let (mut text, started) = (String::new(), Instant::now());
    stream.read_to_string(&mut text).ok()?;
    (text.contains(" 200 ") && started.elapsed() < Duration::from_secs(5)).then_some(text)
}
