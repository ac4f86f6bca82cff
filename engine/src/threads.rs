//! Where the work of one call runs, and how its caller can stop it.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// Time between two questions whether to go on. A call shorter than this asks none.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// A thread that works and asks looks at the clock at one in so many checks.
const CHECKS_A_LOOK: u32 = 8;

/// Whether the caller wants the work to stop. Only the calling thread asks.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// The threads of one call. Pools are started once for each size and kept.
pub struct Workers<'a> {
    /// `None` where the calling thread does everything.
    pool: Option<Arc<ThreadPool>>,
    stop: Stop<'a>,
    stopped: AtomicBool,
    checks: AtomicU32,
    last_asked: Mutex<Instant>,
}

impl<'a> Workers<'a> {
    /// This many threads, or by default `RAYON_NUM_THREADS`, else the CPUs this process may use.
    pub fn new(threads: Option<usize>) -> Result<Workers<'a>> {
        match threads.unwrap_or_else(default_threads) {
            1 => Ok(Workers::with(None)),
            n if !(2..=MAX_THREADS).contains(&n) => {
                let expected = format!("in 1..={MAX_THREADS}");
                Err(Error::out_of_range("threads", expected, n))
            }
            _ if *HOME != std::process::id() => Err(Error::Forked),
            n => Ok(Workers::with(Some(pool(n)?))),
        }
    }

    /// The calling thread alone.
    pub fn caller() -> Workers<'a> {
        Workers::with(None)
    }

    fn with(pool: Option<Arc<ThreadPool>>) -> Workers<'a> {
        Workers {
            pool,
            stop: &|| false,
            stopped: AtomicBool::new(false),
            checks: AtomicU32::new(0),
            last_asked: Mutex::new(Instant::now()),
        }
    }

    /// Ask this, now and then on the calling thread, whether to stop.
    pub fn until(self, stop: Stop<'a>) -> Workers<'a> {
        Workers { stop, ..self }
    }

    pub fn count(&self) -> usize {
        self.pool
            .as_ref()
            .map_or(1, |pool| pool.current_num_threads())
    }

    /// Every item through `f`, in order; which thread takes which item changes no result.
    pub fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        f: impl Fn(T) -> R + Send + Sync,
    ) -> Result<Vec<R>> {
        self.try_map(items, |item| Ok(f(item)))
    }

    /// Every item through `f`, in order; the error is that of the first item that has one.
    pub fn try_map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        f: impl Fn(T) -> Result<R> + Send + Sync,
    ) -> Result<Vec<R>> {
        let checked = |item| {
            self.check()?;
            f(item)
        };
        match &self.pool {
            None => items.into_iter().map(checked).collect(),
            Some(pool) => {
                let work = || -> Vec<Result<R>> { items.into_par_iter().map(checked).collect() };
                self.attend(pool, work).into_iter().collect()
            }
        }
    }

    /// [`Error::Interrupted`] once the caller has said stop. For each item of work that takes longer
    /// than some milliseconds to call from time to time; it costs nanoseconds.
    #[inline]
    pub fn check(&self) -> Result<()> {
        // The one thread of such a call counts for itself: no need of an atomic addition.
        if self.pool.is_none() {
            let checks = self.checks.load(Ordering::Relaxed);
            self.checks.store(checks.wrapping_add(1), Ordering::Relaxed);
            if checks.is_multiple_of(CHECKS_A_LOOK) {
                self.ask_if_due();
            }
        }
        match self.stopped.load(Ordering::Relaxed) {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }

    #[cold]
    fn ask_if_due(&self) {
        let mut last = self
            .last_asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= ASK_EVERY {
            self.ask();
            *last = Instant::now();
        }
    }

    fn ask(&self) {
        if (self.stop)() {
            self.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Do the work in the pool and ask meanwhile.
    fn attend<R: Send>(&self, pool: &ThreadPool, work: impl FnOnce() -> R + Send) -> R {
        let (done, result) = mpsc::sync_channel(1);
        let finished = pool.in_place_scope(|scope| {
            // Nobody listens only where `ask` has panicked.
            scope.spawn(move |_| drop(done.send(work())));
            loop {
                match result.recv_timeout(ASK_EVERY) {
                    Ok(finished) => return Some(finished),
                    Err(RecvTimeoutError::Timeout) => self.ask(),
                    Err(RecvTimeoutError::Disconnected) => return None,
                }
            }
        });
        finished.expect("the scope goes on with a panic of the work")
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
            assert_eq!(squares, Ok((0..100).map(|i| i * i).collect()));
        }
    }

    #[test]
    fn the_error_is_that_of_the_first_item() {
        let error = |i| Error::out_of_range("item", "small", i);
        for threads in [1, 2, 3] {
            let workers = Workers::new(Some(threads)).unwrap();
            let all = workers.try_map((0..1000).collect(), |i: u32| match i {
                0..300 => Ok(i),
                _ => Err(error(i)),
            });
            assert_eq!(all, Err(error(300)));
        }
    }

    #[test]
    fn a_thread_count_out_of_range_is_refused() {
        for threads in [0, MAX_THREADS + 1] {
            assert!(Workers::new(Some(threads)).is_err());
        }
    }

    #[test]
    fn work_stops_soon_after_the_caller_says_so() {
        for threads in [1, 2, 3] {
            let begin = Instant::now();
            let stop = || begin.elapsed() > Duration::from_millis(120);
            let workers = Workers::new(Some(threads)).unwrap().until(&stop);
            let nap = |_| std::thread::sleep(Duration::from_millis(1));
            let n_items = 1_000_000;
            assert_eq!(workers.map(vec![(); n_items], nap), Err(Error::Interrupted));
        }
    }

    #[test]
    fn only_the_calling_thread_is_asked_and_once_an_interval_at_most() {
        let caller = std::thread::current().id();
        for threads in [1, 2] {
            let (asked, begin) = (AtomicU32::new(0), Instant::now());
            let stop = || {
                assert_eq!(std::thread::current().id(), caller);
                asked.fetch_add(1, Ordering::Relaxed);
                false
            };
            let workers = Workers::new(Some(threads)).unwrap().until(&stop);
            let nap = |_| std::thread::sleep(Duration::from_millis(1));
            workers.map(vec![(); 500], nap).unwrap();
            assert!(asked.load(Ordering::Relaxed) > 0);
            assert!(begin.elapsed() >= ASK_EVERY * asked.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn a_panic_of_the_work_reaches_the_caller_and_the_pool_goes_on() {
        let workers = Workers::new(Some(2)).unwrap();
        let work = || workers.map(vec![0, 1, 2], |i| assert!(i < 2));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(workers.map(vec![3], |i| i), Ok(vec![3]));
    }
}
