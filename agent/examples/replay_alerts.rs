//! Reads a recorded stream and prints the alerts that it would raise now:
//! `cargo run --example replay_alerts -- FILE [PATIENCE_SECONDS [JDK]]`, of a JVM of the feature release 21 or that one.

use std::{
    io::{BufRead, BufReader},
    time::{Duration, SystemTime},
};

use finwatch::alerts::{Alerts, ClassNow, Moment, Seen, Thresholds};
use finwatch_record::{Body, Record};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a file")?;
    let patience = arguments.next().map_or(Ok(10.0), |text| text.parse())?;
    let jdk = arguments.next().map_or(Ok(21), |text| text.parse())?;
    let thresholds = Thresholds {
        patience: Duration::from_secs_f64(patience),
        stuck: Duration::from_secs_f64(patience),
        many: 1000,
    };
    let mut alerts = Alerts::new(thresholds, jdk);
    for line in BufReader::new(std::fs::File::open(path)?).lines() {
        let record = Record::parse(&line?)?;
        let told = match &record.body {
            Body::Gc(collection) => {
                alerts.collection(collection);
                continue;
            }
            Body::Sample(sample) => {
                let seen = Seen {
                    now: Moment {
                        uptime_ms: record.uptime_ms,
                        time: SystemTime::now(),
                    },
                    whole: sample.finalizer.counts,
                    memory: sample.memory.as_ref(),
                    pauses_total: sample.gc.pauses_total,
                    finalizer_thread: None,
                    pending_list: None,
                };
                alerts.sample(&seen, sample.classes.iter().map(ClassNow::from))
            }
            _ => continue,
        };
        for alert in told {
            println!("{:>7} {}", record.uptime_ms, serde_json::to_string(&alert)?);
        }
    }
    Ok(())
}
