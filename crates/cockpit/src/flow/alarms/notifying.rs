//! Notifications of alarms: queued with the transitions, and sent while the service runs.

use crate::flow::{Flow, demo, now};
use config::notifications::Notifications;
use std::sync::Arc;
use tokio::sync::watch::{Receiver, Sender as Publisher, channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watch::Alarms;
use watch::notify::{Moment, NotificationPlanner, Sender};

/// The current configuration of notifications, for those who queue and send.
pub struct Planning {
    current: Publisher<Arc<NotificationPlanner>>,
}

impl Flow {
    pub(super) fn planning(&self) -> Planning {
        let notifications = self.refinery.plant.notifications.clone();
        let (current, _) = channel(Arc::new(self.planner(notifications)));
        Planning { current }
    }

    fn planner(&self, notifications: Notifications) -> NotificationPlanner {
        let calendar = Arc::new(self.refinery.plant.calendar.clone());
        NotificationPlanner::new(Arc::new(notifications), calendar, self.public_url.clone())
    }

    /// Uses another configuration from now on. The demo keeps its own, which sends nothing: the file is that of a
    /// real plant.
    pub(super) fn renew(&self, planning: &Planning, notifications: Notifications) {
        if self.is_simulated {
            return;
        }
        planning.current.send_replace(Arc::new(self.planner(notifications)));
    }

    /// Sends notifications until `stop`.
    pub(super) async fn send_notifications(
        &self,
        alarms: &Alarms,
        planning: &Planning,
        stop: &CancellationToken,
    ) {
        let sender = Sender::new(alarms.database(), planning.subscribe());
        let began = Instant::now();
        let clock = move || Moment {
            now_us: now().timestamp_micros(),
            elapsed_us: i64::try_from(demo::shown_duration(began.elapsed()).as_micros())
                .unwrap_or(i64::MAX),
        };
        if let Err(error) = Box::pin(sender.run(clock, stop.clone())).await {
            tracing::error!(error = format!("{error:#}"), "notifications are not sent");
        }
    }
}

impl Planning {
    pub fn subscribe(&self) -> Receiver<Arc<NotificationPlanner>> {
        self.current.subscribe()
    }
}
