//! The Python driver, as back-ends embed it.

/// Source of the driver's module: `main()` in it serves one session. The contract is at its top.
pub(crate) const DRIVER: &str = concat!(
    include_str!("python/driver.py"),
    include_str!("python/codec.py"),
    include_str!("python/programs.py"),
    include_str!("python/test_role.py"),
    include_str!("python/rehearsal.py"),
    include_str!("python/tracer.py"),
);
