//! Streams as rows of a page.

use crate::app::App;
use crate::streams::{DeliveryState, PlaceState, Stream};
use crate::web::problems::as_sentence;
use crate::web::view::state::StreamHealth;
use crate::web::view::streams::{PublishedRow, StreamRow};

pub fn row(stream: &Stream, list: &str) -> StreamRow {
    let delivery = &stream.delivery;
    StreamRow {
        href: format!("{list}/{}", stream.id),
        name: stream.name.clone(),
        place: stream.destination.place(),
        format: stream.format.name().to_owned(),
        health: health(delivery.state),
        lag_entries: delivery.lag_entries,
        lag: age(delivery.lag_seconds),
        last_delivery: delivery.last_delivery_at,
        last_error: delivery.failing_since.and(delivery.last_error.as_deref()).map(as_sentence),
        is_encrypted: stream.destination.is_encrypted(),
    }
}

/// Where checkpoints are published, on the platform's page.
pub fn published(app: &App, is_platform: bool) -> Vec<PublishedRow> {
    if !is_platform {
        return Vec::new();
    }
    let row = |state: PlaceState| PublishedRow {
        health: match &state.last_error {
            Some(_) => StreamHealth::Failing,
            None => StreamHealth::Current,
        },
        place: state.place,
        published: state.published,
        last: state.last,
        last_error: state.last_error.as_deref().map(as_sentence),
    };
    app.publisher.states().into_iter().map(row).collect()
}

const fn health(state: DeliveryState) -> StreamHealth {
    match state {
        DeliveryState::Current => StreamHealth::Current,
        DeliveryState::Sending => StreamHealth::Sending,
        DeliveryState::Retrying => StreamHealth::Retrying,
        DeliveryState::Failing => StreamHealth::Failing,
        DeliveryState::Paused => StreamHealth::Paused,
        DeliveryState::Resting => StreamHealth::Resting,
    }
}

/// `42 s`, `7 min`, `3 h`, `2 d`: units of the SI and those accepted beside them.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_the_unit_that_fits() {
        let said: Vec<_> = [0, 119, 120, 7199, 7200, 172_800].into_iter().map(age).collect();
        assert_eq!(said, ["0 s", "119 s", "2 min", "119 min", "2 h", "2 d"]);
    }
}
