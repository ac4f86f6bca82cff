//! Where the work of one call runs.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// The most threads a call may ask for.
pub const MAX_THREADS: usize = 1024;

static POOLS: LazyLock<Mutex<HashMap<usize, Arc<ThreadPool>>>> = LazyLock::new(Mutex::default);
static HOME: LazyLock<u32> = LazyLock::new(std::process::id);

/// Remember this process as the one that may start threads. A child made by fork inherits the
/// memory of our pools without their threads, and would wait for them for ever.
pub fn settle() {
    LazyLock::force(&HOME);
}

/// The threads of one call. Pools are started once for each size and kept.
pub enum Workers {
    /// The calling thread does everything.
    Caller,
    Pool(Arc<ThreadPool>),
}

impl Workers {
    /// This many threads, or by default `RAYON_NUM_THREADS`, else the CPUs this process may use.
    pub fn new(threads: Option<usize>) -> Result<Workers> {
        match threads.unwrap_or_else(default_threads) {
            1 => Ok(Workers::Caller),
            n if !(2..=MAX_THREADS).contains(&n) => {
                let expected = format!("in 1..={MAX_THREADS}");
                Err(Error::out_of_range("threads", expected, n))
            }
            _ if *HOME != std::process::id() => Err(Error::Forked),
            n => pool(n).map(Workers::Pool),
        }
    }

    pub fn count(&self) -> usize {
        match self {
            Workers::Caller => 1,
            Workers::Pool(pool) => pool.current_num_threads(),
        }
    }

    /// Every item through `f`, in order; which thread takes which item changes no result.
    pub fn map<T: Send, R: Send>(&self, items: Vec<T>, f: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        match self {
            Workers::Caller => items.into_iter().map(f).collect(),
            Workers::Pool(pool) => pool.install(|| items.into_par_iter().map(f).collect()),
        }
    }
}

fn default_threads() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok();
    asked
        .and_then(|n| n.parse().ok())
        .filter(|n| (1..=MAX_THREADS).contains(n))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

fn pool(threads: usize) -> Result<Arc<ThreadPool>> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&threads) {
        return Ok(pool.clone());
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::out_of_range("threads", "a number this machine can start", e))?;
    Ok(pools.entry(threads).or_insert(Arc::new(pool)).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for threads in [1, 2, 3] {
            let workers = Workers::new(Some(threads)).unwrap();
            let squares = workers.map((0..100).collect(), |i: u32| i * i);
            assert_eq!(squares, (0..100).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_thread_count_out_of_range_is_refused() {
        for threads in [0, MAX_THREADS + 1] {
            assert!(Workers::new(Some(threads)).is_err());
        }
    }
}
