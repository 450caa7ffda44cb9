//! Pipelines, collector: `Collected` reads as a `HashMap` of the same entries does.

use std::collections::{BTreeMap, HashMap};
use std::ops::Index as _;

use crate::library::pipeline::Collected;

use crate::kit::prelude::*;

/// The numbers below `most`, each under itself as text.
async fn numbers<R: Runtime>(rt: &R, most: u64) -> Result<Collected<String, u64>, AsyncTaskError> {
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(3)
        .sender(move |sources| sources.of(0..most).into_chunks(7.items()))
        .receiver(|event: Event<u64>, collector: Collector<String, u64>| {
            collector.collect(event.data().to_string(), event.take_data());
        })
        .await_final_event(|event, collection| {
            event.map(|_| {
                let all = (0..most).all(|n| collection.get(&n.to_string()) == Some(&n));
                if all && collection.iter().len() as u64 == most {
                    collection.collected()
                } else {
                    Collected::default()
                }
            })
        })
        .await
}

fn expected(most: u64) -> HashMap<String, u64> {
    (0..most).map(|n| (n.to_string(), n)).collect()
}

pub async fn it_reads_as_a_hash_map_of_the_same_entries<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (map, due) = (numbers(&rt, 1_000).await?, expected(1_000));
    ensure!((map.len(), map.is_empty()) == (1_000, false));
    for (key, value) in &due {
        ensure!(map.get(key.as_str()) == Some(value) && map.index(key.as_str()) == value, "{key}");
        ensure!(map.get_key_value(key) == Some((key, value)) && map.contains_key(key), "{key}");
    }
    ensure!(map.get("1000").is_none() && !map.contains_key("-1"));
    ensure!(map.iter().len() == 1_000 && map.keys().len() == 1_000 && map.values().len() == 1_000);
    let ordered: BTreeMap<&String, &u64> = due.iter().collect();
    ensure!(map.iter().collect::<BTreeMap<_, _>>() == ordered);
    ensure!((&map).into_iter().fold(0, |sum, (_, value)| sum + value) == 499_500);
    ensure!(map.keys().zip(map.values()).all(|(key, value)| *key == value.to_string()));
    let mut rest = map.iter();
    ensure!(rest.next().is_some() && rest.len() == 999 && rest.clone().count() == 999);
    ensure!(map.clone().into_keys().all(|key| due.contains_key(&key)));
    ensure!(map.clone().into_values().sum::<u64>() == 499_500);
    let mut owned = map.clone().into_iter();
    ensure!(owned.next().is_some() && owned.len() == 999);
    ensure!(owned.all(|(key, value)| due.get(&key) == Some(&value)));
    ensure!(map.into_hash_map() == due);
    Ok(())
}

pub async fn entries_can_be_removed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut map = numbers(&rt, 100).await?;
    for n in (0..100u64).filter(|n| n.is_multiple_of(2)) {
        ensure!(
            map.remove(n.to_string().as_str()) == Some(n) && map.remove(n.to_string().as_str()).is_none()
        );
    }
    ensure!(map.len() == 50 && map.into_values().all(|n| n % 2 == 1));
    Ok(())
}

pub async fn it_is_equal_to_another_of_the_same_entries<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (map, mut other) = (numbers(&rt, 100).await?, numbers(&rt, 100).await?);
    ensure!(map == other && map == expected(100) && map != expected(99));
    other.remove("7");
    ensure!(map != other);
    let debug = format!("{:?}", numbers(&rt, 1).await?);
    ensure!(debug == r#"{"0": 0}"#, "{debug}");
    Ok(())
}

pub async fn it_is_serialized_as_a_map<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let map = numbers(&rt, 100).await?;
    ensure!(serde_json::to_value(&map)? == serde_json::to_value(expected(100))?);
    Ok(())
}

pub async fn without_entries_it_is_empty<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for mut map in [numbers(&rt, 0).await?, Collected::default()] {
        ensure!(
            (map.len(), map.is_empty()) == (0, true) && map.get("1").is_none() && map.remove("1").is_none()
        );
        ensure!(map.iter().next().is_none() && map == HashMap::new() && map.into_iter().next().is_none());
    }
    Ok(())
}
