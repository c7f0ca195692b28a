//! What the finalizer thread is in, told when that begins and ends.

use std::time::Duration;

use finwatch_record::{Body, FinalizerState, FinalizerThread, ReferenceHandlerState};
use jni::Env;

use super::Run;
use crate::{finalizer_thread, log, management};

impl Run {
    /// Looks at the threads that finalize where there is reason to, and once more when there is no
    /// longer.
    pub(super) fn look_at_thread(
        &self,
        env: &mut Env,
        uptime_ms: u64,
        starved: Option<Duration>,
    ) -> Option<FinalizerThread> {
        let alerts = self.alerts.as_ref()?;
        let stuck_ms = self.options.stuck.as_millis() as u64;
        let is_behind = self.pending_list.is_behind(uptime_ms, stuck_ms);
        if !alerts.wants_a_look(uptime_ms)
            && !is_behind
            && self.thread.is_none()
            && starved.is_none()
        {
            return None;
        }
        // Classes that are initialized with the heap full fail for ever, for the program too.
        if !management::has_room(env, self.jvmti).unwrap_or(false) {
            env.exception_clear();
            return None;
        }
        let inside = alerts.inside();
        match finalizer_thread::look(
            env,
            self.jvmti,
            inside.as_ref(),
            alerts.untouched_since(uptime_ms),
            is_behind,
            uptime_ms,
            stuck_ms,
        ) {
            Ok(mut thread) => {
                if let Some(starved) = starved
                    && thread.state == FinalizerState::Running
                {
                    thread.state = FinalizerState::Starved;
                    thread.since_uptime_ms = uptime_ms.saturating_sub(starved.as_millis() as u64);
                }
                Some(thread)
            }
            Err(error) => {
                env.exception_clear();
                log::debug(format_args!(
                    "the finalizer thread can't be looked at: {error}"
                ));
                None
            }
        }
    }

    /// Makes a record of it where it does something else than at the last look, or is in trouble and that is to be told
    /// again.
    pub(super) fn tell_thread(
        &mut self,
        thread: Option<FinalizerThread>,
        is_again: bool,
        uptime_ms: u64,
    ) {
        let Some(thread) = thread else { return };
        let handler = thread.reference_handler.state;
        let is_fine = matches!(
            (thread.state, handler),
            (
                FinalizerState::Waiting | FinalizerState::Running,
                ReferenceHandlerState::Waiting | ReferenceHandlerState::Running
            )
        );
        let now = (!is_fine).then_some((thread.state, handler));
        if std::mem::replace(&mut self.thread, now) != now || is_again && now.is_some() {
            self.stream
                .emit(Body::FinalizerThread(Box::new(thread)), uptime_ms);
        }
    }
}
