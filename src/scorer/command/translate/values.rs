//! What a program wrote for a column, as a value of the column's type.

use serde_json::Value as Json;

use super::serve::Answer;
use super::spec::{Translation, reason};
use crate::scorer::ColumnType;
use crate::scorer::command::trace;

/// Integers of the payload are below this in magnitude.
const INT_MAX: u64 = (1 << 53) - 1;

/// The value that `text` stands for; `None` if it is none of this type. Space around a number does not count.
pub fn read(kind: ColumnType, text: &str) -> Option<Json> {
    match kind {
        ColumnType::Float => text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Json::Number),
        ColumnType::Int => {
            text.trim().parse::<i64>().ok().filter(|value| value.unsigned_abs() <= INT_MAX).map(Json::from)
        }
        ColumnType::String => Some(Json::from(text)),
    }
}

/// The answer that one text a column makes.
pub fn answer<'t>(translation: &Translation, texts: impl IntoIterator<Item = &'t str>) -> Answer {
    let columns = &translation.description.columns;
    let (mut values, mut texts) = (Vec::with_capacity(columns.len()), texts.into_iter());
    for column in columns {
        let text = texts.next().unwrap_or_default();
        let value = match text.trim() {
            "" => translation.optional.contains(&column.name).then_some(Json::Null),
            _ => read(column.kind, text),
        };
        let Some(value) = value else {
            let seen = format!("{} = \"{}\"", column.name, trace::excerpt(text.as_bytes()));
            return Answer::Failed(reason::BAD_VALUE, seen.into());
        };
        values.push(value);
    }
    Answer::Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_strictly_and_text_as_it_is() {
        let float = |text| read(ColumnType::Float, text);
        assert_eq!(float(" -7.25 "), Some(json!(-7.25)));
        assert_eq!(float("1e3"), Some(json!(1000.0)));
        for bad in ["nan", "NaN", "inf", "-Infinity", "1e999", "", "1,5", "0x1", "1_0", "7 kcal", "--1"] {
            assert_eq!(float(bad), None, "{bad}");
        }
        let int = |text| read(ColumnType::Int, text);
        assert_eq!(int("9007199254740991"), Some(json!(9_007_199_254_740_991_u64)));
        for bad in ["9007199254740992", "-9223372036854775808", "1.0", "1e2", "", "99999999999999999999"] {
            assert_eq!(int(bad), None, "{bad}");
        }
        assert_eq!(read(ColumnType::String, " a "), Some(json!(" a ")));
    }
}
