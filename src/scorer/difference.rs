//! Where two rows of one record differ.

use super::{Column, ColumnType};
use crate::canonical::row::{self, Row};

/// The scorer's columns in which `one` and `other` differ, each with by how much: none where not both are numbers.
pub fn of_cells<'a>(
    columns: &'a [Column],
    one: &Row<'a>,
    other: &Row<'a>,
) -> impl Iterator<Item = (&'a Column, Option<f64>)> {
    let cells = columns.iter().zip(one.cells().zip(other.cells()));
    cells.filter(|(_, (one, other))| one != other).map(|(column, (one, other))| {
        let by = || Some((row::value(one)? - row::value(other)?).abs()).filter(|by| by.is_finite());
        (column, if column.kind == ColumnType::String { None } else { by() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::Order;

    #[test]
    fn numbers_are_compared_where_there_are_two() {
        let column = |name: &str, kind| Column::new(name, kind, Order::Asc);
        let columns = [column("a", ColumnType::Float), column("b", ColumnType::String), column("c", ColumnType::Int)];
        let row = |line: &'static str| Row::read(line.as_bytes()).unwrap();
        let found = |one, other| -> Vec<_> {
            of_cells(&columns, &row(one), &row(other)).map(|(column, by)| (column.name.clone(), by)).collect()
        };
        let named = |name: &str, by| (name.to_owned(), by);
        assert_eq!(
            found("0,x,OK,,1.5,q,2", "0,x,OK,,1,r,"),
            [named("a", Some(0.5)), named("b", None), named("c", None)]
        );
        assert_eq!(found("0,x,OK,,1,\"7,\",2", "0,x,OK,,1,\"7,\",-1"), [named("c", Some(3.0))]);
        assert_eq!(found("0,x,OK,,1,7,2", "0,x,OK,,1,7,2"), []);
    }
}
