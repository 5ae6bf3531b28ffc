//! The two tenants of the demo.

use super::topics::{ENERGY, TRAVEL, Topic};
use crate::authz::Role;

pub struct Company {
    pub slug: &'static str,
    pub name: &'static str,
    pub seed: u64,
    /// What contracts and bookings are numbered with.
    pub prefix: &'static str,
    pub people: &'static [Person],
    pub topics: &'static [Topic],
    pub channels: &'static [&'static str],
    pub cities: &'static [&'static str],
    /// The application that keeps its conversations here.
    pub application: &'static str,
    pub reports: &'static [Report],
}

pub struct Person {
    pub name: &'static str,
    pub email: &'static str,
    pub role: Role,
    /// From the ranges for documentation (RFC 5737, RFC 3849).
    pub ip: &'static str,
    pub browser: &'static str,
}

/// A kind of event that the company's application reports by itself.
pub struct Report {
    pub action: &'static str,
    pub resource: &'static str,
    /// The field that changes, from one of these values to another.
    pub field: &'static str,
    pub values: &'static [&'static str],
}

pub const ADMINISTRATOR: Person = Person {
    name: "Ruth Adeyemi",
    email: "admin@strongroom.example",
    role: Role::PlatformAdmin,
    ip: "192.0.2.10",
    browser: FIREFOX,
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1";

const fn person(
    name: &'static str,
    email: &'static str,
    role: Role,
    ip: &'static str,
    browser: &'static str,
) -> Person {
    Person { name, email, role, ip, browser }
}

const fn report(
    action: &'static str,
    resource: &'static str,
    field: &'static str,
    values: &'static [&'static str],
) -> Report {
    Report { action, resource, field, values }
}

pub const COMPANIES: [Company; 2] = [
    Company {
        slug: "northwind",
        name: "Northwind Travel",
        seed: 0x6e77,
        prefix: "NW",
        people: &[
            person("Ingrid Solberg", "ingrid@northwind.example", Role::Owner, "192.0.2.21", SAFARI),
            person("Marcus Bell", "marcus@northwind.example", Role::Admin, "192.0.2.34", CHROME),
            person("Aiko Mori", "aiko@northwind.example", Role::Operator, "192.0.2.52", FIREFOX),
            person("Pedro Lima", "pedro@northwind.example", Role::Viewer, "192.0.2.77", PHONE),
            person(
                "Nadia Haddad",
                "nadia@northwind.example",
                Role::Auditor,
                "198.51.100.14",
                CHROME,
            ),
            person(
                "Jonas Weber",
                "jonas@northwind.example",
                Role::PrivacyOfficer,
                "2001:db8:20::8",
                FIREFOX,
            ),
        ],
        topics: TRAVEL,
        channels: &["email", "chat", "phone", "web", "whatsapp"],
        cities: &[
            "Lisbon",
            "Oslo",
            "Kyoto",
            "Marseille",
            "Toronto",
            "Porto",
            "Vienna",
            "Reykjavík",
            "Singapore",
            "Palermo",
            "Montréal",
            "Edinburgh",
        ],
        application: "Booking desk",
        reports: &[
            report("invoice.exported", "invoice", "status", &["draft", "exported", "archived"]),
            report(
                "booking.changed",
                "booking",
                "departure",
                &["2026-03-14", "2026-04-02", "2026-05-21", "2026-06-30"],
            ),
            report("refund.approved", "refund", "status", &["requested", "approved"]),
            report(
                "fare_rule.updated",
                "fare_rule",
                "rebooking_fee",
                &["0.00", "25.00", "40.00", "60.00"],
            ),
            report("customer.updated", "customer", "loyalty_tier", &["basic", "silver", "gold"]),
            report("payment.captured", "payment", "state", &["authorized", "captured"]),
            report("data.exported", "report", "format", &["csv", "xlsx"]),
        ],
    },
    Company {
        slug: "helio",
        name: "Helio Energy",
        seed: 0x6865,
        prefix: "HE",
        people: &[
            person("Sofia Lindqvist", "sofia@helio.example", Role::Owner, "203.0.113.5", CHROME),
            person("Kwame Boateng", "kwame@helio.example", Role::Admin, "203.0.113.18", FIREFOX),
            person("Hugo Martin", "hugo@helio.example", Role::Operator, "203.0.113.40", CHROME),
            person("Elif Demir", "elif@helio.example", Role::Viewer, "203.0.113.61", SAFARI),
            person("Tom Gallagher", "tom@helio.example", Role::Auditor, "198.51.100.90", SAFARI),
            person("Mei Sato", "mei@helio.example", Role::PrivacyOfficer, "2001:db8:31::4", CHROME),
        ],
        topics: ENERGY,
        channels: &["email", "web", "phone", "chat", "letter"],
        cities: &[
            "Leipzig", "Lyon", "Graz", "Utrecht", "Ghent", "Malmö", "Sapporo", "Bilbao", "Cork",
            "Nantes", "Kassel",
        ],
        application: "Customer portal",
        reports: &[
            report("invoice.exported", "invoice", "status", &["draft", "exported", "archived"]),
            report(
                "meter_reading.accepted",
                "meter",
                "source",
                &["estimated", "customer", "remote"],
            ),
            report(
                "tariff.changed",
                "contract",
                "tariff",
                &["basic", "green", "night", "solar-plus"],
            ),
            report("direct_debit.changed", "contract", "debit_day", &["1", "15", "28"]),
            report("payment_plan.created", "payment_plan", "instalments", &["2", "4", "6"]),
            report("outage.updated", "outage", "state", &["reported", "located", "repaired"]),
            report("data.exported", "report", "format", &["csv", "pdf"]),
        ],
    },
];
