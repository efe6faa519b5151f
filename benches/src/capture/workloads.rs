//! What is done to the table.

use super::systems::{BASE, COLUMNS, System};

/// One kind of work.
#[derive(Clone, Copy, PartialEq)]
pub enum Workload {
    Update,
    Insert,
    Delete,
    UpdateMany,
    InsertSelect,
    Copy,
}

/// A number of the right length for what stands as `:u` in a context.
const NUMBER: &str = "417263958104";

/// The values of a new row as an application sends them.
const LITERALS: &str = r#"'Product :n', 'SKU-:n', 'A lamp for the desk, with a foot of oak and a shade of green
    glass that is blown by hand; the cable is two metres long, its plug earthed.', :n % 100000 / 100.0, :n % 500,
    '{"tags": ["new", "lamp", "shelf 7"], "maker": "Maker 31", "colour": "green", "origin": {"batch":
    "b14ba5ba:n", "country": "NL"}, "weight": 977}', '2026-11-22 09:30:00.123456+00'"#;

impl Workload {
    pub const ALL: [Workload; 6] = [
        Workload::Update,
        Workload::Insert,
        Workload::Delete,
        Workload::UpdateMany,
        Workload::InsertSelect,
        Workload::Copy,
    ];
    /// Those of one row each.
    pub const SINGLE: [Workload; 3] = [Workload::Update, Workload::Insert, Workload::Delete];

    pub fn name(self) -> &'static str {
        match self {
            Workload::Update => "UPDATE",
            Workload::Insert => "INSERT",
            Workload::Delete => "DELETE",
            Workload::UpdateMany => "one UPDATE of 10,000",
            Workload::InsertSelect => "INSERT … SELECT of 100,000",
            Workload::Copy => "COPY of 100,000",
        }
    }

    /// Whether the system's figures for this workload say anything: in a statement of many rows it makes no difference
    /// to the bare table who says what before.
    pub fn concerns(self, system: &System) -> bool {
        Workload::SINGLE.contains(&self) || system.base.is_some() || system.before.is_empty()
    }

    /// The name of the system that differs in the capture alone.
    pub fn base(self, system: &System) -> Option<&'static str> {
        system.base.map(|base| if Workload::SINGLE.contains(&self) { base } else { BASE })
    }

    /// The script of a workload of one row, in pgbench's words, with what the system sends before the statement.
    pub fn script(self, system: &System) -> String {
        let (variables, statement) = match self {
            Workload::Update => (
                r"\set id random(1, 100000)",
                String::from("update products set price = :u % 100000 / 100.0, updated_at = now() where id = :id"),
            ),
            Workload::Insert => {
                (r"\set n random(10000000, 99999999)", format!("insert into products ({COLUMNS}) values ({LITERALS})"))
            }
            // Each row once, whichever client deletes it.
            Workload::Delete => {
                ("\\set n :n + 1\n\\set id 2 * :n - :client_id", String::from("delete from products where id = :id"))
            }
            _ => unreachable!("no workload of one row"),
        };
        let message = system.message(&statement, r"\;");
        format!("\\set u random(100000000000, 999999999999)\n{variables}\n{message};\n")
    }

    /// The statement of a workload of many rows; `turn` is how often it was run before.
    pub fn statement(self, turn: usize, rows: usize) -> String {
        match self {
            Workload::UpdateMany => {
                let (from, to) = (1 + turn * rows, (turn + 1) * rows);
                format!("update products set price = price + 1, updated_at = now() where id between {from} and {to}")
            }
            Workload::InsertSelect => {
                format!("insert into products ({COLUMNS}) select {COLUMNS} from products where id <= {rows}")
            }
            Workload::Copy => format!("copy products ({COLUMNS}) from stdin"),
            _ => unreachable!("no workload of many rows"),
        }
    }
}

impl System {
    /// A statement after those that tell who it is, in one message, and so in one transaction.
    pub fn message(&self, statement: &str, separator: &str) -> String {
        let statements = self.before.iter().copied().chain([statement]);
        statements.collect::<Vec<_>>().join(&format!("{separator}\n"))
    }

    /// The same with numbers in the place of pgbench's variables.
    pub fn plain_message(&self, statement: &str) -> String {
        self.message(statement, ";").replace(":u", NUMBER)
    }
}
