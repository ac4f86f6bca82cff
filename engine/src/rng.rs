//! Random numbers with an address: game `index` of `seed`, try `attempt`, has one fixed stream.
//!
//! **Stability promise.** The stream of an address never changes between releases; checkpoints hold
//! nothing but addresses. The generator is xoshiro256++ (Blackman and Vigna 2019), whose 256-bit
//! state is eight SipRounds (Aumasson and Bernstein 2012) of `(seed, index, attempt, DOMAIN)`.
//! SipRound is a bijection, so two addresses never share a state: neighbouring seeds and batches
//! have no game in common by construction.

/// ASCII "pawn-rng". Not zero, so the one forbidden state of xoshiro, all zeros, has no address.
const DOMAIN: u64 = u64::from_be_bytes(*b"pawn-rng");

/// Where a game lives: fixed for ever, whatever the batch, thread count or machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub seed: u64,
    pub index: u64,
    pub attempt: u64,
}

/// xoshiro256++ started from an [`Address`].
#[derive(Debug, Clone)]
pub struct GameRng {
    state: [u64; 4],
}

impl GameRng {
    /// The stream of one address.
    ///
    /// ```
    /// use chess_engine::rng::{Address, GameRng};
    /// let mut rng = GameRng::new(Address { seed: 0, index: 0, attempt: 0 });
    /// assert_eq!(rng.next_u64(), 0x78bc_6089_c3f5_f064);
    /// ```
    pub fn new(address: Address) -> GameRng {
        let mut state = [address.seed, address.index, address.attempt, DOMAIN];
        for _ in 0..8 {
            sip_round(&mut state);
        }
        GameRng { state }
    }

    /// The next 64 uniform bits.
    #[inline(always)]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }
}

fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

/// The random word of one ply: its high half picks a move, its low half tosses the mate-boost coin.
///
/// One word a ply, boosted or not, so a boosted game equals the plain game of the same address up
/// to the first mate that the boost plays.
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

impl Draw {
    #[inline(always)]
    pub fn next(rng: &mut GameRng) -> Draw {
        Draw(rng.next_u64())
    }

    /// Whether a coin with this probability falls heads.
    #[inline(always)]
    pub fn coin(self, probability: Probability) -> bool {
        self.0 & 0xffff_ffff < probability.0
    }

    /// A uniform index below `n` (Lemire 2019: multiply, and redraw the word in the rare biased
    /// case, so that the result is exactly uniform).
    #[inline(always)]
    pub fn index(mut self, n: u32, rng: &mut GameRng) -> u32 {
        loop {
            let product = (self.0 >> 32) * u64::from(n);
            let low = product as u32;
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 32) as u32;
            }
            self = Draw::next(rng);
        }
    }
}

/// A probability in units of 2^-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probability(u64);

impl Probability {
    pub const ZERO: Probability = Probability(0);
    pub const HALF: Probability = Probability(1 << 31);

    /// `None` where `p` is not a number in 0..=1.
    pub fn new(p: f64) -> Option<Probability> {
        (0.0..=1.0)
            .contains(&p)
            .then(|| Probability((p * 4_294_967_296.0).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_xoshiro256_plus_plus() {
        // First outputs of the authors' C code for the state 1, 2, 3, 4.
        let mut rng = GameRng {
            state: [1, 2, 3, 4],
        };
        let expected = [
            41943041,
            58720359,
            3588806011781223,
            3591011842654386,
            9228616714210784205,
            9973669472204895162,
        ];
        assert_eq!(expected.map(|_| rng.next_u64()), expected);
    }

    #[test]
    fn a_coin_of_one_always_falls_heads_and_of_zero_never() {
        let one = Probability::new(1.0).unwrap();
        assert!(Draw(u64::MAX).coin(one) && Draw(0).coin(one));
        assert!(!Draw(0).coin(Probability::ZERO));
    }

    #[test]
    fn a_probability_outside_zero_to_one_is_refused() {
        for p in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert_eq!(Probability::new(p), None, "{p}");
        }
    }

    #[test]
    fn an_index_is_uniform() {
        let mut rng = GameRng::new(Address {
            seed: 1,
            index: 2,
            attempt: 3,
        });
        let mut counts = [0_i64; 7];
        for _ in 0..70_000 {
            counts[Draw::next(&mut rng).index(7, &mut rng) as usize] += 1;
        }
        // Six degrees of freedom: 22.5 is the 99.9 % quantile of chi-square.
        let chi2: f64 = counts
            .iter()
            .map(|c| ((c - 10_000).pow(2) as f64) / 10_000.0)
            .sum();
        assert!(chi2 < 22.5, "{counts:?}");
    }

    #[test]
    fn a_biased_word_is_drawn_again() {
        let mut rng = GameRng {
            state: [1, 2, 3, 4],
        };
        // The product with 3 leaves low half 0 < 2^32 mod 3 = 1: the one rejected word.
        assert_eq!(Draw(0).index(3, &mut rng), 0);
        assert_ne!(rng.state, [1, 2, 3, 4]);
    }
}
