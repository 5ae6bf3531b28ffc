//! Values that go into statements and come out of rows, free of any one engine's types.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::StoreError;
use crate::kernel::Timestamp;
use crate::kernel::id::{self, Id};

#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    Id([u8; 16]),
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
            Self::Id(value) => ValueRef::Blob(value),
        }))
    }
}

macro_rules! values {
    ($($from:ty => |$value:ident| $to:expr;)+) => { $(
        impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self { $to }
        }
    )+ };
}

values! {
    i64 => |value| Self::Integer(value);
    u32 => |value| Self::Integer(value.into());
    bool => |value| Self::Integer(value.into());
    &'a str => |value| Self::Text(value);
    &'a String => |value| Self::Text(value);
    &'a [u8] => |value| Self::Blob(value);
    &'a Vec<u8> => |value| Self::Blob(value);
    &'a [u8; 32] => |value| Self::Blob(value);
    Timestamp => |value| Self::Integer(value.as_micros());
}

macro_rules! id_values {
    ($($id:ident),+) => { $(
        impl From<id::$id> for Value<'_> {
            fn from(value: id::$id) -> Self { Self::Id(*value.bytes()) }
        }

        impl FromColumn for id::$id {
            fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
                Ok(Self::from_uuid(uuid::Uuid::from_bytes(row.get(column)?)))
            }
        }
    )+ };
}

id_values!(
    TenantId,
    UserId,
    AdminId,
    SessionId,
    ApprovalId,
    ProviderId,
    SsoRequestId,
    SsoTestId,
    SsoKeyId,
    GroupId,
    DeviceId,
    PasskeyId,
    ApiKeyId,
    ConversationId,
    ExportId,
    MessageId,
    SubjectId,
    LogId,
    KeyId,
    JobRunId,
    StreamId,
    SavedSearchId,
    ShredId,
    BackupId,
    BaseId,
    RestoreId,
    RestoreTestId,
    HoldId,
    RetentionRunId,
    ErasureId,
    ClosingId,
    MailId,
    LinkId,
    InstallationId
);

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of an answer; columns are counted from 0.
pub struct Row<'a>(pub(super) &'a rusqlite::Row<'a>);

impl Row<'_> {
    pub fn get<T: FromColumn>(&self, column: usize) -> Result<T, StoreError> {
        T::from_column(self, column)
    }

    /// A blob without copying it.
    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        self.0.get_ref(column)?.as_blob().map_err(|_| mismatch(column))
    }
}

fn mismatch(column: usize) -> StoreError {
    StoreError::Sql(format!("column {column} holds a value of another type").into())
}

/// Types that a column can be read as.
pub trait FromColumn: Sized {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError>;
}

macro_rules! native_columns {
    ($($native:ty),+) => { $(
        impl FromColumn for $native {
            fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
                Ok(row.0.get(column)?)
            }
        }
    )+ };
}

native_columns!(i64, u32, bool, String, Vec<u8>, [u8; 16], [u8; 32]);

impl FromColumn for u64 {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        u64::try_from(row.get::<i64>(column)?).map_err(|_| mismatch(column))
    }
}

impl FromColumn for Timestamp {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        row.get(column).map(Self::from_micros)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        match row.0.get_ref(column)? {
            ValueRef::Null => Ok(None),
            _ => T::from_column(row, column).map(Some),
        }
    }
}
