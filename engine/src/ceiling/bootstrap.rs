//! Confidence intervals by resampling whole games: the positions of one game are not independent.

use crate::error::Result;
use crate::rng::{Draw, GameRng};
use crate::threads::Workers;

use super::{Request, Sums};

/// No game has this index; its attempts are the resamples.
const RESAMPLES: u64 = u64::MAX;
/// The quantiles of a 95 % interval.
const QUANTILES: [f64; 2] = [0.025, 0.975];

/// A mean over all games with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Statistics of the sum of all games, with percentile intervals (Efron 1979).
pub fn estimate<const N: usize>(
    request: &Request,
    games: &[Sums],
    statistics: impl Fn(&Sums) -> [f64; N] + Sync,
    workers: &Workers,
) -> Result<[Estimate; N]> {
    let all = statistics(&games.iter().fold(Sums::default(), Sums::add));
    let resample = |attempt| {
        let mut rng = GameRng::new(request.random.address(RESAMPLES, attempt));
        let n_games = games.len() as u32;
        let drawn =
            (0..n_games).map(|_| &games[Draw::next(&mut rng).index(n_games, &mut rng) as usize]);
        statistics(&drawn.fold(Sums::default(), Sums::add))
    };
    let resampled = workers.map((0..request.resamples as u64).collect(), resample)?;
    Ok(std::array::from_fn(|i| {
        let values = resampled.iter().map(|statistics| statistics[i]).collect();
        let [low, high] = quantiles(values);
        let value = all[i];
        Estimate { value, low, high }
    }))
}

/// Between the two nearest of the values, linearly.
fn quantiles(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_unstable_by(f64::total_cmp);
    QUANTILES.map(|q| {
        let place = q * (values.len() - 1) as f64;
        let (below, above) = (
            values[place.floor() as usize],
            values[place.ceil() as usize],
        );
        below + (above - below) * place.fract()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile(numpy.arange(11) ** 2, [0.025, 0.975])
        let values = (0..11).rev().map(|i| f64::from(i * i)).collect();
        assert_eq!(quantiles(values), [0.25, 95.25]);
    }
}
