//! `results.parquet`: the payload as Apache Parquet; `docs/formats/parquet.md` defines it.

pub(super) mod write;

use std::sync::Arc;

use ::parquet::basic::{LogicalType, Repetition, Type as Physical};
use ::parquet::errors::Result;
use ::parquet::schema::types::{Type, TypePtr};

use crate::canonical::row::FIXED_COLUMNS;
use crate::scorer::{Column, ColumnType};

/// What our keys in the key-value metadata begin with.
const KEY_PREFIX: &str = "molsieve.";

/// The Parquet schema of a payload with these `columns`.
fn schema(columns: &[Column]) -> Result<TypePtr> {
    let field = |name: &str, physical, repetition, logical| {
        let field = Type::primitive_type_builder(name, physical).with_repetition(repetition);
        field.with_logical_type(logical).build().map(Arc::new)
    };
    let [ordinal, id, outcome, reason] = FIXED_COLUMNS;
    let text = || Some(LogicalType::String);
    let mut fields =
        vec![field(ordinal, Physical::INT64, Repetition::REQUIRED, Some(LogicalType::integer(64, false)))?];
    for name in [id, outcome, reason] {
        fields.push(field(name, Physical::BYTE_ARRAY, Repetition::REQUIRED, text())?);
    }
    for column in columns {
        let (physical, logical) = match column.kind {
            ColumnType::Float => (Physical::DOUBLE, None),
            ColumnType::Int => (Physical::INT64, None),
            ColumnType::String => (Physical::BYTE_ARRAY, text()),
        };
        fields.push(field(&column.name, physical, Repetition::OPTIONAL, logical)?);
    }
    Type::group_type_builder("payload").with_fields(fields).build().map(Arc::new)
}
