//! The SQLite database, as far as the job needs it.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

use crate::rows::{Day, Forecast, Month};

/// One connection, which its users share by a lock.
pub struct Database(Mutex<Connection>);

impl Database {
    /// Opens the file, or a database in memory, and creates the tables anew.
    ///
    /// # Errors
    ///
    /// The error of SQLite.
    pub fn open(path: Option<&Path>) -> rusqlite::Result<Self> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.execute_batch(
            "DROP TABLE IF EXISTS days; DROP TABLE IF EXISTS months; DROP TABLE IF EXISTS forecast;
             CREATE TABLE days (date TEXT PRIMARY KEY, precipitation REAL, temp_max REAL, temp_min REAL, weather TEXT);
             CREATE TABLE months (month INTEGER PRIMARY KEY, season TEXT, days INTEGER, precipitation REAL, temp_max REAL);
             CREATE TABLE forecast (date TEXT PRIMARY KEY, temp_max REAL);",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores all rows in one transaction: either all of them are stored, or none. Returns their number.
    fn store<T>(
        &self,
        insert: &str,
        rows: &[T],
        put: impl Fn(&mut rusqlite::Statement<'_>, &T) -> rusqlite::Result<usize>,
    ) -> rusqlite::Result<usize> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let mut statement = transaction.prepare(insert)?;
        let mut stored = 0;
        for row in rows {
            stored += put(&mut statement, row)?;
        }
        drop(statement);
        transaction.commit()?;
        Ok(stored)
    }

    /// Stores days and returns their number.
    ///
    /// # Errors
    ///
    /// The error of SQLite.
    pub fn store_days(&self, days: &[Day]) -> rusqlite::Result<usize> {
        self.store("INSERT INTO days VALUES (?, ?, ?, ?, ?)", days, |insert, day| {
            insert.execute(params![day.date, day.precipitation, day.temp_max, day.temp_min, day.weather])
        })
    }

    /// Stores months and returns their number.
    ///
    /// # Errors
    ///
    /// The error of SQLite.
    pub fn store_months(&self, months: &[Month]) -> rusqlite::Result<usize> {
        self.store("INSERT INTO months VALUES (?, ?, ?, ?, ?)", months, |insert, month| {
            insert.execute(params![
                month.month,
                month.season,
                month.days as i64,
                month.precipitation,
                month.temp_max
            ])
        })
    }

    /// Stores a forecast and returns its number of days.
    ///
    /// # Errors
    ///
    /// The error of SQLite.
    pub fn store_forecast(&self, forecast: &[Forecast]) -> rusqlite::Result<usize> {
        self.store("INSERT INTO forecast VALUES (?, ?)", forecast, |insert, day| {
            insert.execute(params![day.date, day.temp_max])
        })
    }

    /// Checks the numbers of stored rows.
    ///
    /// # Errors
    ///
    /// If the numbers differ; the error of SQLite.
    pub fn check(&self, days: usize, months: usize) -> anyhow::Result<()> {
        let connection = self.lock();
        let count = |table: &str| {
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
        };
        let found = (count("days")?, count("months")?);
        anyhow::ensure!(found == (days as i64, months as i64), "{found:?} rows, and not {days} and {months}");
        Ok(())
    }
}
