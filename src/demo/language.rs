//! What differs from language to language.

use super::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    French,
    German,
    Spanish,
    Japanese,
}

use Language::{English, French, German, Japanese, Spanish};

const MONTHS: [[&str; 12]; 4] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
];

impl Language {
    /// First names and family names, each with their spelling in an e-mail address.
    pub const fn names(
        self,
    ) -> (&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]) {
        match self {
            English => (ENGLISH_FIRST, ENGLISH_LAST),
            French => (FRENCH_FIRST, FRENCH_LAST),
            German => (GERMAN_FIRST, GERMAN_LAST),
            Spanish => (SPANISH_FIRST, SPANISH_LAST),
            Japanese => (JAPANESE_FIRST, JAPANESE_LAST),
        }
    }

    pub fn full_name(self, first: &str, last: &str) -> String {
        match self {
            Japanese => format!("{last} {first}"),
            _ => format!("{first} {last}"),
        }
    }

    pub fn date(self, dice: &mut Dice) -> String {
        let (day, month) = (dice.between(1, 29), dice.index(12));
        match self {
            English => format!("{day} {}", MONTHS[0][month]),
            French => format!("{day} {}", MONTHS[1][month]),
            German => format!("{day}. {}", MONTHS[2][month]),
            Spanish => format!("{day} de {}", MONTHS[3][month]),
            Japanese => format!("{}月{day}日", month + 1),
        }
    }

    pub fn amount(self, dice: &mut Dice) -> String {
        let (whole, cents) = (dice.between(18, 940), dice.between(0, 100));
        match self {
            English => format!("€{whole}.{cents:02}"),
            French | German | Spanish => format!("{whole},{cents:02} €"),
            Japanese => format!("{}円", whole * 150),
        }
    }

    /// How a customer's side of the desk ends a conversation.
    pub const fn thanks(self) -> &'static [&'static str] {
        match self {
            English => &[
                "That was quick, thank you!",
                "Perfect, it has arrived. Thanks, {agent}.",
                "Thank you for your help. Have a nice day.",
                "Great, that's all I needed.",
                "Thanks! I'll write again if anything else comes up.",
            ],
            French => &[
                "Parfait, merci beaucoup !",
                "Merci {agent}, c'est très clair. Bonne journée.",
                "Bien reçu, merci pour votre aide.",
            ],
            German => &[
                "Wunderbar, vielen Dank!",
                "Danke für die schnelle Hilfe, {agent}.",
                "Alles klar, herzlichen Dank und einen schönen Tag.",
            ],
            Spanish => &["¡Perfecto, muchas gracias!", "Gracias por la ayuda, {agent}. Un saludo."],
            Japanese => &[
                "ご対応ありがとうございました。",
                "確認できました。ありがとうございます。",
                "助かりました。今後ともよろしくお願いいたします。",
            ],
        }
    }

    /// What an agent says before somebody has looked into it.
    pub const fn hold(self) -> &'static [&'static str] {
        match self {
            English => &[
                "Hello {first}, this is {agent}. Let me look into that for you.",
                "Hi {first}, thanks for getting in touch. I'm checking {ref} right now.",
                "Good day {first}, I'm sorry about the trouble. One moment, please.",
            ],
            French => &[
                "Bonjour {first}, je suis {agent}. Je regarde votre dossier {ref} tout de suite.",
                "Bonjour, merci de nous avoir écrit. Un instant, je vérifie.",
            ],
            German => &[
                "Guten Tag {first}, mein Name ist {agent}. Ich sehe mir {ref} gleich an.",
                "Hallo {first}, danke für Ihre Nachricht. Einen Moment bitte.",
            ],
            Spanish => {
                &["Hola {first}, soy {agent}. Estoy revisando {ref}, un momento, por favor."]
            }
            Japanese => &[
                "お問い合わせありがとうございます。担当の{agent}です。{ref}を確認いたします。",
                "{last}様、ご連絡ありがとうございます。少々お待ちください。",
            ],
        }
    }
}

const ENGLISH_FIRST: &[(&str, &str)] = &[
    ("Olivia", "olivia"),
    ("Amara", "amara"),
    ("Jack", "jack"),
    ("Priya", "priya"),
    ("Thomas", "thomas"),
    ("Grace", "grace"),
    ("Liam", "liam"),
    ("Zoë", "zoe"),
    ("Samuel", "samuel"),
    ("Hannah", "hannah"),
    ("Noah", "noah"),
    ("Leila", "leila"),
    ("Ethan", "ethan"),
    ("Chloe", "chloe"),
    ("Daniel", "daniel"),
    ("Ruth", "ruth"),
    ("Owen", "owen"),
    ("Maya", "maya"),
    ("Callum", "callum"),
    ("Isla", "isla"),
];
const ENGLISH_LAST: &[(&str, &str)] = &[
    ("Walker", "walker"),
    ("Okafor", "okafor"),
    ("Bennett", "bennett"),
    ("Patel", "patel"),
    ("Hughes", "hughes"),
    ("O'Connor", "oconnor"),
    ("Ashworth", "ashworth"),
    ("Reid", "reid"),
    ("Mensah", "mensah"),
    ("Fletcher", "fletcher"),
    ("Novak", "novak"),
    ("Barnes", "barnes"),
    ("Kaur", "kaur"),
    ("Sinclair", "sinclair"),
    ("Doyle", "doyle"),
    ("Whitfield", "whitfield"),
];
const FRENCH_FIRST: &[(&str, &str)] = &[
    ("Camille", "camille"),
    ("Théo", "theo"),
    ("Élodie", "elodie"),
    ("Mathieu", "mathieu"),
    ("Inès", "ines"),
    ("François", "francois"),
    ("Manon", "manon"),
    ("Yanis", "yanis"),
];
const FRENCH_LAST: &[(&str, &str)] = &[
    ("Lefèvre", "lefevre"),
    ("Moreau", "moreau"),
    ("Girard", "girard"),
    ("Benoît", "benoit"),
    ("Chevalier", "chevalier"),
    ("Diallo", "diallo"),
    ("Rousseau", "rousseau"),
];
const GERMAN_FIRST: &[(&str, &str)] = &[
    ("Lukas", "lukas"),
    ("Jürgen", "juergen"),
    ("Anneliese", "anneliese"),
    ("Mia", "mia"),
    ("Katrin", "katrin"),
    ("Emre", "emre"),
];
const GERMAN_LAST: &[(&str, &str)] = &[
    ("Schäfer", "schaefer"),
    ("Vogel", "vogel"),
    ("Brandt", "brandt"),
    ("Yıldız", "yildiz"),
    ("Krüger", "krueger"),
    ("Lehmann", "lehmann"),
];
const SPANISH_FIRST: &[(&str, &str)] =
    &[("Lucía", "lucia"), ("Álvaro", "alvaro"), ("Carmen", "carmen"), ("Íñigo", "inigo")];
const SPANISH_LAST: &[(&str, &str)] =
    &[("Ortega", "ortega"), ("Núñez", "nunez"), ("Vidal", "vidal"), ("Ibáñez", "ibanez")];
const JAPANESE_FIRST: &[(&str, &str)] = &[
    ("陽菜", "hina"),
    ("健太", "kenta"),
    ("美咲", "misaki"),
    ("大輔", "daisuke"),
    ("由美子", "yumiko"),
    ("翔", "sho"),
];
const JAPANESE_LAST: &[(&str, &str)] = &[
    ("佐藤", "sato"),
    ("田中", "tanaka"),
    ("山本", "yamamoto"),
    ("中村", "nakamura"),
    ("小林", "kobayashi"),
    ("渡辺", "watanabe"),
];
