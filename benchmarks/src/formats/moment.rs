//! Points in time as other programs write them.

const US_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment {
    /// Microseconds since 1970 UTC.
    pub us: i64,
}

impl Moment {
    /// As ISO 8601 with the offset of UTC: `2026-01-31T23:59:59.000001+00:00`.
    #[must_use]
    pub fn iso(self) -> String {
        format!("{}+00:00", self.written(':'))
    }

    /// As part of a file's name: `2026-01-31T23-59-59.000001`.
    #[must_use]
    pub fn in_file_name(self) -> String {
        self.written('-')
    }

    fn written(self, between: char) -> String {
        let (seconds, us) = (self.us.div_euclid(US_PER_SECOND), self.us.rem_euclid(US_PER_SECOND));
        let (days, second) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}{between}{minute:02}{between}{second:02}.{us:06}")
    }
}

/// Year, month and day of the Gregorian calendar, by days since 1970.
///
/// Source: Hinnant 2013, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`: eras of 400 years, years that begin
/// in March.
const fn date(days: i64) -> (i64, i64, i64) {
    let since = days + 719_468;
    let era = since.div_euclid(146_097);
    let day_of_era = since.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000+00:00"),
            (951_827_696, "2000-02-29T12:34:56.000000+00:00"),
            (1_767_225_599, "2025-12-31T23:59:59.000000+00:00"),
            (4_107_542_400, "2100-03-01T00:00:00.000000+00:00"),
            (-1, "1969-12-31T23:59:59.000000+00:00"),
        ] {
            assert_eq!(Moment { us: seconds * US_PER_SECOND }.iso(), text);
        }
        assert_eq!(Moment { us: 1_500_000 }.in_file_name(), "1970-01-01T00-00-01.500000");
    }

    #[test]
    fn any_moment_can_be_written() {
        for us in [i64::MIN, i64::MAX] {
            assert!(!Moment { us }.iso().is_empty());
        }
    }
}
