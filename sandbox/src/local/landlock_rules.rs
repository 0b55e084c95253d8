//! Landlock: which files a contained program may touch, whatever else goes wrong; no TCP; no signals to and no abstract
//! sockets of anybody outside.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};

use super::root::DEVICES;

/// Versions whose rights we know and use, newest first, with what they add.
const VERSIONS: [(ABI, u8); 6] =
    [(ABI::V6, 6), (ABI::V5, 5), (ABI::V4, 4), (ABI::V3, 3), (ABI::V2, 2), (ABI::V1, 1)];

/// What this kernel's landlock can do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Landlock {
    abi: ABI,
    /// Number of the version, from 1.
    pub(super) version: u8,
}

impl Landlock {
    /// Asks the kernel. `None` without landlock.
    pub(super) fn detect() -> Option<Self> {
        let supported = |(abi, _): &(ABI, u8)| handle(*abi, CompatLevel::HardRequirement).is_ok();
        VERSIONS
            .iter()
            .find(|version| supported(version))
            .map(|(abi, version)| Self { abi: *abi, version: *version })
    }

    /// What this version lacks, for the report.
    pub(super) fn lacks(self) -> Option<&'static str> {
        match self.version {
            ..4 => Some("landlock without TCP rules (Linux 6.7) and scopes (6.12)"),
            4 | 5 => Some("landlock without scopes for signals and abstract sockets (Linux 6.12)"),
            _ => None,
        }
    }

    /// A rule set that allows reading and running `readable` and any change beneath `temp`.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub(super) fn rules(
        self,
        readable: &[PathBuf],
        temp: Option<&Path>,
    ) -> Result<Option<OwnedFd>, RulesetError> {
        let device = AccessFs::ReadFile | AccessFs::WriteFile;
        let rules = handle(self.abi, CompatLevel::HardRequirement)?
            .create()?
            .add_rules(path_beneath_rules(readable, AccessFs::from_read(self.abi)))?
            .add_rules(path_beneath_rules(DEVICES, device))?
            .add_rules(path_beneath_rules(temp, self.temp()))?;
        Ok(rules.into())
    }

    /// The rights in the temporary folder, as the kernel's bits.
    pub(super) fn temp_bits(self) -> u64 {
        self.temp().bits()
    }

    fn temp(self) -> BitFlags<AccessFs> {
        let never = AccessFs::Execute | AccessFs::MakeBlock | AccessFs::MakeChar | AccessFs::IoctlDev;
        AccessFs::from_all(self.abi) & !never
    }
}

fn handle(abi: ABI, compatibility: CompatLevel) -> Result<Ruleset, RulesetError> {
    let mut rules =
        Ruleset::default().set_compatibility(compatibility).handle_access(AccessFs::from_all(abi))?;
    if !AccessNet::from_all(abi).is_empty() {
        rules = rules.handle_access(AccessNet::from_all(abi))?;
    }
    if !Scope::from_all(abi).is_empty() {
        rules = rules.scope(Scope::from_all(abi))?;
    }
    Ok(rules)
}
