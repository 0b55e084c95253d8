//! Line charts as the coordinates that a template draws as SVG.

use std::fmt::Write as _;

use serde::Serialize;

/// Size of the plotted area, in units of the picture.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 160.0;

/// Steps between ticks of an axis, about.
const TICKS: f64 = 5.0;

/// A chart of shares, from 0 to 100 %, against something that is spent or counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Chart {
    title: String,
    width: f64,
    height: f64,
    x_label: String,
    /// The line, as `x,y x,y`.
    line: String,
    /// The area between its bounds, in the same form; empty without bounds.
    band: String,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    /// The chart in words, for those who don't see it.
    description: String,
}

/// A mark at an axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

/// A point of a line: what was spent, and the share, with its bounds where there are some.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) bounds: Option<(f64, f64)>,
}

impl Chart {
    /// A line through points at whole numbers.
    pub(super) fn line(title: &str, x_label: &str, spots: &[Spot]) -> Option<Self> {
        let first = spots.first()?.x;
        Self::of(title, x_label, spots, first, 1.0)
    }

    /// A line of steps, which begins at nothing and stays where it is between points; none where nothing was spent.
    pub(super) fn steps(title: &str, x_label: &str, spots: &[Spot]) -> Option<Self> {
        let mut line = vec![Spot { x: 0.0, y: 0.0, bounds: None }];
        for spot in spots {
            let before = line.last().map_or(0.0, |spot| spot.y);
            line.extend([Spot { y: before, ..*spot }, *spot]);
        }
        let is_spent = spots.iter().any(|spot| spot.x > 0.0);
        is_spent.then(|| Self::of(title, x_label, &line, 0.0, 0.0)).flatten()
    }

    /// `apart` is the least distance between ticks.
    fn of(title: &str, x_label: &str, spots: &[Spot], from: f64, apart: f64) -> Option<Self> {
        let last = spots.last()?;
        let to = if last.x > from { last.x } else { from + 1.0 };
        let x = |value: f64| (value - from) / (to - from) * WIDTH;
        let y = |share: f64| (1.0 - share.clamp(0.0, 1.0)) * HEIGHT;
        let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            points.fold(String::new(), |mut path, (at, share)| {
                // Writing to a string can't fail.
                let _ = write!(path, "{:.1},{:.1} ", x(at), y(share));
                path
            })
        };
        let line = path(&mut spots.iter().map(|spot| (spot.x, spot.y)));
        let lower = spots.iter().filter_map(|spot| Some((spot.x, spot.bounds?.0)));
        let upper = spots.iter().rev().filter_map(|spot| Some((spot.x, spot.bounds?.1)));
        let band = path(&mut lower.chain(upper));
        let x_ticks =
            ticks(from, to, apart).into_iter().map(|value| Tick { at: x(value), label: short(value) });
        let shares = [0.0, 0.25, 0.5, 0.75, 1.0];
        let y_ticks = shares.map(|share| Tick { at: y(share), label: format!("{:.0} %", share * 100.0) });
        let description = format!("{title}: {:.1} % at {} {x_label}", last.y * 100.0, short(last.x));
        Some(Self {
            title: title.to_owned(),
            width: WIDTH,
            height: HEIGHT,
            x_label: x_label.to_owned(),
            line,
            band,
            x_ticks: x_ticks.collect(),
            y_ticks: y_ticks.into(),
            description,
        })
    }
}

/// Round values between two, about five of them.
fn ticks(from: f64, to: f64, apart: f64) -> Vec<f64> {
    let rough = ((to - from) / TICKS).max(apart);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough);
    let Some(step) = step.filter(|step| step.is_finite() && *step > 0.0) else { return vec![from] };
    let first = (from / step).ceil();
    (0..=10).map(|number| (first + f64::from(number)) * step).take_while(|value| *value <= to).collect()
}

/// A number as short as an axis wants it.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text =
        if value.abs() >= 0.01 || value == 0.0 { format!("{value:.2}") } else { format!("{value:.5}") };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_ticks_round() {
        let shown = [0.0, 1.0, 2.5, 0.00012, 12_000.0, 3_400_000.0].map(short);
        assert_eq!(shown, ["0", "1", "2.5", "0.00012", "12k", "3.4M"]);
        assert_eq!(ticks(0.0, 10.0, 0.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(1.0, 3.0, 1.0), [1.0, 2.0, 3.0]);
        assert_eq!(
            ticks(1.0, 2.0, 0.0).into_iter().map(short).collect::<Vec<_>>(),
            ["1", "1.2", "1.4", "1.6", "1.8", "2"]
        );
        assert!(ticks(0.0, 0.03, 0.0).len() > 2);
    }

    #[test]
    fn steps_begin_at_nothing_and_stay_in_the_picture() {
        let spot = |x, y| Spot { x, y, bounds: None };
        let chart = Chart::steps("t", "calls", &[spot(5.0, 0.5), spot(10.0, 1.0)]).unwrap();
        assert_eq!(chart.line.trim(), "0.0,160.0 180.0,160.0 180.0,80.0 360.0,80.0 360.0,0.0");
        assert_eq!(Chart::steps("t", "calls", &[]), None);
        assert_eq!(Chart::steps("t", "USD", &[spot(0.0, 0.5)]), None);
    }

    #[test]
    fn bounds_become_an_area() {
        let spots = [(1.0, 0.5), (2.0, 0.75)].map(|(x, y)| Spot { x, y, bounds: Some((y - 0.1, y + 0.1)) });
        let chart = Chart::line("t", "k", &spots).unwrap();
        assert_eq!(chart.band.split_whitespace().count(), 4);
        let one = Chart::line("t", "k", &spots[..1]).unwrap();
        assert_eq!(one.line.trim(), "0.0,80.0");
    }
}
