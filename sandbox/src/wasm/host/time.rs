//! A clock that gives every short run the same readings.
//!
//! It begins at a fixed date, goes on by a microsecond with every reading and by what the program sleeps, and follows
//! real time only in steps of [`STEP`]. So a program that ends within a step sees the same time whenever it runs, and
//! one that loops until some time has passed gets out of its loop.

use std::time::Duration;

use super::{Answer, Fault, Host};
use crate::wasm::guest::{Errno, Guest, offset};

/// Where every clock begins: 2025-01-01 00:00 UTC, in time since 1970.
const BEGIN: Duration = Duration::from_secs(1_735_689_600);
/// How coarsely real time is followed.
const STEP: Duration = Duration::from_millis(100);
/// By how much a reading moves the clock; also the resolution that it claims.
const READING: Duration = Duration::from_micros(1);
/// Most subscriptions of one poll.
const SUBSCRIPTIONS_MAX: u32 = 64;
/// Size of a subscription and of an event.
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;

/// What moved the clock, but for real time.
#[derive(Debug, Default)]
pub(super) struct Time {
    readings: u32,
    slept: Duration,
}

impl Host {
    /// What the program's clock shows.
    fn now(&self) -> Duration {
        let real =
            self.line.as_ref().map_or(Duration::ZERO, |line| line.used().saturating_sub(self.time.slept));
        let steps = u32::try_from(real.as_nanos() / STEP.as_nanos()).unwrap_or(u32::MAX);
        let moved = STEP.saturating_mul(steps).saturating_add(READING.saturating_mul(self.time.readings));
        BEGIN.saturating_add(moved).saturating_add(self.time.slept)
    }

    /// The clock's resolution.
    pub(in crate::wasm) fn clock_res_get(guest: &mut Guest<'_>, at: u32) -> Answer {
        guest.set_u64(at, nanoseconds(READING))?;
        Ok(())
    }

    /// Reads the clock; all of WASI's clocks are one.
    pub(in crate::wasm) fn clock_time_get(&mut self, guest: &mut Guest<'_>, at: u32) -> Answer {
        self.time.readings = self.time.readings.saturating_add(1);
        guest.set_u64(at, nanoseconds(self.now()))?;
        Ok(())
    }

    /// Waits for the first of some clocks. Streams are always ready. Sleeping is charged, not done.
    pub(in crate::wasm) fn poll_oneoff(
        &mut self,
        guest: &mut Guest<'_>,
        wants: u32,
        events: u32,
        count: u32,
        happened: u32,
    ) -> Answer {
        if count == 0 || count > SUBSCRIPTIONS_MAX {
            return Err(Errno::Invalid.into());
        }
        let mut first: Option<(Duration, [u8; 8], u8)> = None;
        for index in 0..count {
            let want = guest.read::<48>(offset(wants, index * SUBSCRIPTION_BYTES)?)?;
            let (kind, wait) = self.wait_for(&want);
            if first.is_none_or(|(shortest, ..)| wait < shortest) {
                let [user @ .., _] = *want.first_chunk::<9>().ok_or(Errno::Fault)?;
                first = Some((wait, user, kind));
            }
        }
        let (wait, user, kind) = first.ok_or(Errno::Invalid)?;
        self.sleep(wait)?;
        let mut event = [0; EVENT_BYTES as usize];
        event[..8].copy_from_slice(&user);
        event[10] = kind;
        guest.write(events, &event)?;
        guest.set_u32(happened, 1)?;
        Ok(())
    }

    /// Kind of a subscription and how long it has to wait.
    fn wait_for(&self, want: &[u8; 48]) -> (u8, Duration) {
        let kind = want[8];
        if kind != 0 {
            return (kind, Duration::ZERO);
        }
        let time = want[24..32].try_into().map_or(0, u64::from_le_bytes);
        let is_absolute = want[40] & 1 == 1;
        let time = Duration::from_nanos(time);
        (kind, if is_absolute { time.saturating_sub(self.now()) } else { time })
    }

    fn sleep(&mut self, duration: Duration) -> Result<(), Fault> {
        self.time.slept = self.time.slept.saturating_add(duration);
        if let Some(line) = &self.line {
            line.sleep(duration)?;
        }
        Ok(())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
