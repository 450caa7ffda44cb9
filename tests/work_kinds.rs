//! Type inference of every kind of work, with every kind of error. In place, work may borrow.
#![cfg(any(feature = "tokio", feature = "smol"))]

use std::num::ParseIntError;
use std::rc::Rc;

use sweet_async::prelude::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

async fn fetch() -> Result<u32, std::io::Error> {
    Ok(3)
}

#[test]
fn work_of_every_kind_infers() -> TestResult {
    sweet_async::block_on(async {
        let task = || AsyncTask::to::<u32>();
        assert_eq!(task().run(|| async { 1 }).await?, 1);
        assert_eq!(task().run(|| async { Ok::<_, std::io::Error>(2) }).await?, 2);
        assert_eq!(task().run(fetch).await?, 3);
        assert_eq!(task().run(|| 4).await?, 4);
        assert_eq!(task().run(|| "5".parse::<u32>()).await?, 5);
        assert_eq!(task().run(|| async { "6".parse::<u32>() }).await?, 6);
        assert_eq!(task().try_run(|| async { Ok(fetch().await? + "4".parse::<u32>()?) }).await?, 7);
        assert_eq!(
            task().run(|| async { Err::<u32, _>("text") }).await.map_err(|e| format!("{e:#}")),
            Err("the work failed: text".into())
        );
        assert_eq!(
            task().run(|| async { Err::<u32, String>("text".into()) }).await.map_err(|e| e.is_failure()),
            Err(true)
        );
        AsyncTask::to::<()>().run(|| async {}).await?;
        AsyncTask::to::<()>().run(|| ()).await?;
        let nested =
            AsyncTask::to::<Result<u32, ParseIntError>>().run(|| async { "x".parse::<u32>() }).await?;
        assert!(nested.is_err());
        assert_eq!(task().spawn(|| async { 8 }).await?, 8);
        assert_eq!(task().spawn(|| 9).await?, 9);
        assert_eq!(task().try_spawn(|| async { Ok(fetch().await?) }).await?, 3);
        assert_eq!(task().spawn_blocking(|| 10).await?, 10);
        assert_eq!(task().run_blocking(|| 11).await?, 11);
        Ok(())
    })?
}

#[test]
fn work_in_place_borrows_and_need_not_be_send() -> TestResult {
    sweet_async::block_on(async {
        let text = String::from("borrowed");
        let shared = Rc::new(5);
        let length = AsyncTask::to::<usize>().run(|| async { text.len() + *shared }).await?;
        assert_eq!(length, 13);
        let inline = AsyncTask::to::<usize>().inline().run(|| text.len() + *shared).await?;
        assert_eq!(inline, 13);
        let limited = AsyncTask::to::<usize>().timeout(5.seconds()).run(|| async { text.len() }).await?;
        assert_eq!(limited, 8);
        Ok(())
    })?
}
