//! Where objects are made and who holds them: told with alerts, to whoever asks, and when memory
//! runs out.

use std::time::{Duration, Instant};

use finwatch_record::{
    Alert, AlertState, Body, ClassRow, Counts, Holders, OmittedClasses, OutOfMemory, Resource,
    Sites,
};
use jni::Env;

use super::Run;
use crate::{
    alerts::Alerts, classes::Ranking, exhausted::LastKnown, log, options, pauses::PauseClock,
    watch::WatchError,
};

/// Classes whose holders are kept for the case that memory runs out.
const MOST_HELD: usize = 8;

/// Sites that no alert is about are told for so many classes,
const BUSIEST: usize = 5;

/// for the first time after so many milliseconds,
const FIRST_SITES_MS: u64 = 60_000;

/// and then this often.
const SITES_EVERY_MS: u64 = 600_000;

impl Run {
    /// Makes records of alerts and of where their objects are made; of those that go on, with who was found to hold
    /// them.
    pub(super) fn tell_alerts(&mut self, env: &mut Env, told: Vec<Alert>, uptime_ms: u64) {
        let sites = self.sites(env, &told, uptime_ms);
        let sites = sites.into_iter().map(|sites| Body::Sites(Box::new(sites)));
        let held = self.held.iter().filter(|held| goes_on(&told, held));
        let held = held.map(|held| Body::Holders(Box::new(held.clone())));
        let beside: Vec<Body> = sites.chain(held).collect();
        for alert in told {
            self.seeker.raised(&alert);
            self.stream.emit(Body::Alert(Box::new(alert)), uptime_ms);
        }
        for body in beside {
            self.stream.emit(body, uptime_ms);
        }
    }

    /// As many classes as are wanted, those that alerts are about among them, and the sum of all others.
    pub(super) fn listed(&self, ranking: &Ranking) -> (Vec<ClassRow>, OmittedClasses) {
        let alerts = self.alerts.as_ref();
        ranking.list(self.options.classes, |class, loader| {
            alerts.is_some_and(|alerts| alerts.are_about(class, loader))
        })
    }

    /// Where the objects are made that alerts are about, and from time to time those of the busiest
    /// classes.
    fn sites(&mut self, env: &mut Env, told: &[Alert], uptime_ms: u64) -> Vec<Sites> {
        if self.options.sites == options::Sites::Off {
            return Vec::new();
        }
        let mut sites = Vec::new();
        for alert in told
            .iter()
            .filter(|alert| alert.state != AlertState::Cleared)
        {
            for class in [&alert.class, &alert.cause_class].into_iter().flatten() {
                let loader = alert.loader.as_deref();
                sites.extend(self.watch.sites(env, class, loader));
            }
        }
        if uptime_ms >= self.sites_due_ms {
            if self.sites_due_ms > 0 {
                sites.extend(self.watch.newest_sites(env, BUSIEST));
            }
            let wait = match self.sites_due_ms {
                0 => FIRST_SITES_MS,
                _ => SITES_EVERY_MS,
            };
            self.sites_due_ms = uptime_ms + wait;
        }
        sites
    }

    /// Finds out who holds the objects that an alert was about, or may have to be, when that is due.
    pub(super) fn seek_holders(&mut self, env: &mut Env, clock: &PauseClock) {
        let began = Instant::now();
        let (sought, class) = if let Some((class, loader)) = self.seeker.due(began) {
            let found = self.find_holders(env, clock, &class, loader.as_deref());
            self.seeker.sought(began, Instant::now());
            (found.map(drop), class)
        } else if self.seeker.may_suspect(began)
            && let Some((class, loader)) = self.alerts.as_mut().and_then(Alerts::take_suspect)
        {
            let sought = self.seek_suspect(env, clock, &class, loader.as_deref());
            self.seeker.sought_suspect(began, Instant::now());
            (sought, class)
        } else {
            return;
        };
        if let Err(error) = sought {
            log::info(format_args!("not found out who holds {class}: {error}"));
        }
    }

    /// Finds out whether the objects of a suspect are held, and stops nothing for that.
    fn seek_suspect(
        &mut self,
        env: &mut Env,
        clock: &PauseClock,
        class: &str,
        loader: Option<&str>,
    ) -> Result<(), WatchError> {
        // Else what is found held could be what was resurrected.
        self.watch.cleared(env);
        for holders in &self.look_for_holders(env, clock, class, loader, None)? {
            if let Some(alerts) = &mut self.alerts {
                alerts.suspect_sought(holders);
            }
        }
        Ok(())
    }

    /// Finds out who holds the objects of a class, of one loader or of each, and makes a record
    /// of it.
    ///
    /// # Errors
    /// In words for the user.
    pub fn find_holders(
        &mut self,
        env: &mut Env,
        clock: &PauseClock,
        class: &str,
        loader: Option<&str>,
    ) -> Result<Vec<Holders>, WatchError> {
        let found = self.look_for_holders(env, clock, class, loader, self.options.pause)?;
        self.start_early(clock);
        for holders in &found {
            self.keep(holders);
            if let Some(alerts) = &mut self.alerts {
                alerts.holders(holders);
            }
            let uptime_ms = clock.uptime_ms();
            self.stream
                .emit(Body::Holders(Box::new(holders.clone())), uptime_ms);
        }
        Ok(found)
    }

    fn look_for_holders(
        &mut self,
        env: &mut Env,
        clock: &PauseClock,
        class: &str,
        loader: Option<&str>,
        pause: Option<Duration>,
    ) -> Result<Vec<Holders>, WatchError> {
        let found = self.watch.find_holders(env, class, loader, pause, clock);
        // An OutOfMemoryError of ours must not stay pending.
        env.exception_clear();
        let mut found = found?;
        for holders in &mut found {
            holders.looked_uptime_ms = Some(clock.uptime_ms());
        }
        Ok(found)
    }

    fn keep(&mut self, holders: &Holders) {
        self.held
            .retain(|held| held.class != holders.class || held.loader != holders.loader);
        if self.held.len() >= MOST_HELD {
            self.held.pop_front();
        }
        self.held.push_back(holders.clone());
    }

    /// What the thread of an application that runs out of memory is to tell. Needs no JNI.
    pub fn known(&self) -> OutOfMemory {
        let ranking = self.watch.rank(None);
        self.known_with(ranking.whole(), self.listed(&ranking))
    }

    /// The same, with a ledger that has been read.
    pub(super) fn known_with(
        &self,
        finalizer: Counts,
        (classes, classes_omitted): (Vec<ClassRow>, OmittedClasses),
    ) -> OutOfMemory {
        OutOfMemory {
            resource: Resource::Other,
            description: String::new(),
            error_thrown: false,
            finalizer,
            classes,
            classes_omitted,
            holders: self.held.iter().cloned().collect(),
            alerts: self.alerts.as_ref().map(Alerts::raised).unwrap_or_default(),
        }
    }

    /// Where [`Run::known`] is kept after each sample.
    pub fn last_known(&self) -> LastKnown {
        LastKnown::clone(&self.last_known)
    }
}

/// Whether one of these alerts about the class of what is held goes on.
fn goes_on(told: &[Alert], held: &Holders) -> bool {
    told.iter().any(|alert| {
        alert.state == AlertState::Ongoing
            && alert.class.as_ref() == Some(&held.class)
            && (held.loader.is_none() || alert.loader == held.loader)
    })
}
