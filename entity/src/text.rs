//! Text as a program wrote it: SQLite takes any bytes for text, and one row that holds others than UTF-8 must not make a
//! page of the log unreadable.

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable, Value};

/// Text. What was no UTF-8 reads as U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl TryGetable for Text {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        match String::try_get_by(row, index) {
            Ok(text) => Ok(Text(text)),
            Err(TryGetError::Null(column)) => Err(TryGetError::Null(column)),
            // Bytes are what every text can be read as; what fails for another reason fails here too.
            Err(TryGetError::DbErr(_)) => {
                let bytes = Vec::<u8>::try_get_by(row, index)?;
                Ok(Text(String::from_utf8_lossy(&bytes).into_owned()))
            }
        }
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl ValueType for Text {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <String as ValueType>::try_from(value).map(Text)
    }

    fn type_name() -> String {
        "Text".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::Text
    }
}

impl Nullable for Text {
    fn null() -> Value {
        String::null()
    }
}
