//! An energy supplier's customers.

use super::Topic;
use crate::demo::language::Language::{English, French, German, Japanese, Spanish};

pub const ENERGY: &[Topic] = &[
    Topic {
        language: English,
        tags: &["meter"],
        subjects: &["Meter reading for {ref}", "My meter reading was rejected"],
        openings: &[
            "Hello, the reading on {date} is {n}482 kWh. The website says it is implausible, but that's what it shows.",
            "Please find my meter reading: {n}917. Contract {ref}, flat in {city}.",
        ],
        turns: &[
            "Thank you. It is higher than expected because last year's was estimated. Could you send a photo of the meter?",
            "Photo sent. The meter number ends with {n}.",
            "The photo matches, the reading is booked. Your next invoice will use it.",
        ],
    },
    Topic {
        language: English,
        tags: &["invoice", "complaint"],
        subjects: &["My bill has doubled", "Invoice over {amount} cannot be right"],
        openings: &[
            "The invoice of {date} is {amount}, twice as much as last year. We are two people in {city}. Please check.",
            "I don't understand the back payment of {amount} on contract {ref}.",
        ],
        turns: &[
            "I've gone through it: the reading in the middle of the year was estimated too low, so part of it belongs to last year.",
            "Can I pay it in instalments?",
            "Yes. I've set up four instalments without interest, the first on {date}.",
        ],
    },
    Topic {
        language: English,
        tags: &["moving"],
        subjects: &["Moving to {city} on {date}", "End of contract {ref}, we are moving"],
        openings: &[
            "We're moving to {city} on {date}. Can we take contract {ref} with us?",
            "We hand over the flat on {date}. What do you need from us for the final invoice?",
        ],
        turns: &[
            "You can take it with you. I need the new address and both meter numbers on the day.",
            "The old meter ends with {n}. I'll send the new one from the handover.",
            "Everything is prepared. Send both readings on {date} and the rest happens by itself.",
        ],
    },
    Topic {
        language: English,
        tags: &["payment"],
        subjects: &["Change of bank account", "Direct debit on another day"],
        openings: &[
            "My salary arrives later now. Could you debit on the 15th instead of the 1st? Contract {ref}.",
            "I have a new bank account and want to change the direct debit before {date}.",
        ],
        turns: &[
            "Certainly. For your safety, please change the account itself in the customer portal; I can change the day here.",
            "Found it, done. And the day?",
            "The debit of {amount} now runs on the 15th of each month.",
        ],
    },
    Topic {
        language: English,
        tags: &["tariff"],
        subjects: &["Which tariff is right for an electric car?", "Switch to the green tariff"],
        openings: &[
            "We bought an electric car and charge at night. Is there a better tariff than ours ({ref})?",
            "A neighbour in {city} pays {amount} less a year. Which tariff does she have?",
        ],
        turns: &[
            "With about {n} kWh a month at night, the time-of-use tariff saves you around {amount} a year.",
            "Does it need another meter?",
            "Yes, a smart meter; the installation is free. The earliest date is {date}.",
        ],
    },
    Topic {
        language: English,
        tags: &["smart-meter", "appointment"],
        subjects: &["Nobody came for the smart meter", "New appointment for the meter change"],
        openings: &[
            "I took a day off on {date} and the fitter did not come. Order {ref}.",
            "I can't be there for the meter change on {date}. Any evening will do.",
        ],
        turns: &[
            "I'm sorry. The fitter noted that nobody answered at bell {n}. I have {date} between 17:00 and 19:00.",
            "That works. The bell is broken, please let him call my phone.",
            "Noted on the order. You'll get a text message half an hour before.",
        ],
    },
    Topic {
        language: English,
        tags: &["solar"],
        subjects: &["Feed-in payment is missing", "Registering our solar panels"],
        openings: &[
            "The feed-in payment for last quarter hasn't arrived. The panels in {city} made {n}20 kWh.",
            "Our panels go live on {date}. What must we register, and where?",
        ],
        turns: &[
            "The grid operator reported late. I've released {amount}, it arrives within three days.",
            "Will the monthly advance be adjusted, too?",
            "Yes, from next month it is {amount} lower.",
        ],
    },
    Topic {
        language: English,
        tags: &["outage"],
        subjects: &["No power since this morning", "Short interruptions every evening"],
        openings: &[
            "There has been no power in our street in {city} since six. Is something known?",
            "The lights flicker every evening around eight. The neighbours see it as well.",
        ],
        turns: &[
            "There is a fault at a transformer. The crew is on site and expects {n} more minutes.",
            "The freezer is full. Who pays if it thaws?",
            "Power is back on our side. If anything was damaged, the form is linked in the message I just sent.",
        ],
    },
    Topic {
        language: French,
        tags: &["compteur"],
        subjects: &["Relevé de compteur, contrat {ref}", "Facture de {amount} trop élevée"],
        openings: &[
            "Bonjour, voici mon relevé du {date} : {n}634. Le site refuse la valeur.",
            "Ma facture de {amount} me paraît anormale. Pouvez-vous vérifier le relevé ?",
        ],
        turns: &[
            "Le relevé précédent était estimé. Pouvez-vous m'envoyer une photo du compteur ?",
            "Photo envoyée, le numéro se termine par {n}.",
            "Merci, le relevé est validé et la facture sera corrigée d'ici le {date}.",
        ],
    },
    Topic {
        language: French,
        tags: &["déménagement"],
        subjects: &["Déménagement à {city} le {date}"],
        openings: &[
            "Bonjour, nous déménageons à {city} le {date}. Comment transférer le contrat {ref} ?",
            "Je quitte mon logement le {date} et souhaite résilier le contrat {ref}.",
        ],
        turns: &[
            "Il me faut la nouvelle adresse et le relevé du jour de la remise des clés.",
            "Le compteur indique {n}210. L'adresse est dans mon espace client.",
            "C'est enregistré. Vous recevrez la facture de clôture sous quinze jours.",
        ],
    },
    Topic {
        language: Japanese,
        tags: &["検針"],
        subjects: &["検針結果について（{ref}）", "電気料金が高すぎます"],
        openings: &[
            "{date}の検針値が実際と違うようです。メーターは{n}350を示しています。",
            "今月の請求額が{amount}でした。先月の二倍です。確認をお願いします。",
        ],
        turns: &[
            "ご不便をおかけしております。メーターの写真をお送りいただけますか。",
            "送りました。末尾は{n}です。",
            "確認が取れましたので、請求額を訂正いたします。次回のご請求に反映されます。",
        ],
    },
    Topic {
        language: Japanese,
        tags: &["引越し"],
        subjects: &["{city}への引越しに伴う手続き"],
        openings: &[
            "{date}に{city}へ引っ越します。電気の契約{ref}を移せますか。",
            "{date}で解約したいのですが、必要な手続きを教えてください。",
        ],
        turns: &[
            "新しいご住所と、ご退去日のメーターの数値をお知らせください。",
            "数値は当日にお送りします。",
            "承知いたしました。手続きの準備が整いました。",
        ],
    },
    Topic {
        language: German,
        tags: &["zählerstand"],
        subjects: &["Zählerstand {ref}", "Abschlag anpassen"],
        openings: &[
            "Guten Tag, mein Zählerstand vom {date} ist {n}731. Bitte für {ref} eintragen.",
            "Wir sind jetzt zu viert in {city}. Bitte erhöhen Sie den Abschlag auf {amount}.",
        ],
        turns: &[
            "Danke, das ist eingetragen. Der Abschlag beträgt ab dem {date} {amount}.",
            "Und die Abrechnung kommt wie bisher im Herbst?",
            "Ja, daran ändert sich nichts.",
        ],
    },
    Topic {
        language: Spanish,
        tags: &["factura"],
        subjects: &["Duda sobre la factura de {amount}"],
        openings: &[
            "Hola, la factura del {date} es de {amount}. ¿Por qué ha subido tanto? Contrato {ref}.",
        ],
        turns: &[
            "La lectura anterior era estimada. ¿Puede enviarme una foto del contador?",
            "Enviada. El número termina en {n}.",
            "Gracias, la factura queda corregida y recibirá un abono.",
        ],
    },
];
