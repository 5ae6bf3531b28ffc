//! A travel agency's customers.

use super::Topic;
use crate::demo::language::Language::{English, French, German, Japanese, Spanish};

pub const TRAVEL: &[Topic] = &[
    Topic {
        language: English,
        tags: &["booking", "change"],
        subjects: &["Move my flight to {city} to another day", "Date change for {ref}"],
        openings: &[
            "Hello, my meeting in {city} was postponed. Can you move booking {ref} to {date}?",
            "I booked {ref} for the wrong week. Is a change to {date} still possible?",
        ],
        turns: &[
            "There are seats on the morning flight on {date}. The fare difference is {amount}. Shall I rebook?",
            "Yes please, and keep the aisle seat if you can.",
            "Done. You'll find the new tickets in your inbox; the seat is {n}C, on the aisle.",
        ],
    },
    Topic {
        language: English,
        tags: &["refund"],
        subjects: &["Refund for a cancelled flight", "Still waiting for my refund, {ref}"],
        openings: &[
            "The airline cancelled our flight to {city} on {date}. We paid {amount} and would like it back.",
            "You promised a refund of {amount} two weeks ago and nothing has arrived. Reference {ref}.",
        ],
        turns: &[
            "I see the cancellation. The airline has approved the refund; I'm releasing {amount} to your card now.",
            "Which card does it go to? The old one was replaced last month.",
            "It goes to the account behind the card, so the replacement doesn't matter. Please allow five working days.",
        ],
    },
    Topic {
        language: English,
        tags: &["baggage"],
        subjects: &["Suitcase did not arrive in {city}", "Lost baggage, report {n}"],
        openings: &[
            "We landed in {city} last night and one suitcase is missing. The airport gave us report number {n}.",
            "My bag is still in {city} it seems. It's a dark green hard case. Can you help to find it?",
        ],
        turns: &[
            "I've traced it: the bag is on tonight's flight. Where are you staying?",
            "Hotel Meridian, room {n}. Can they leave it at the reception?",
            "The courier will bring it to the reception before noon. Keep receipts of what you had to buy, insurance pays for it.",
        ],
    },
    Topic {
        language: English,
        tags: &["hotel", "complaint"],
        subjects: &["Hotel in {city} says there is no booking", "Room is not what we booked"],
        openings: &[
            "We are standing at the reception in {city} and they can't find {ref}. Please call them!",
            "We booked a room with two beds and got one with a sofa. {ref}, three nights at {amount}.",
        ],
        turns: &[
            "I have the manager on the line. They had filed it under the company's name; your room is ready now.",
            "Good. But we waited for an hour with two small children.",
            "I'm sorry about that. Breakfast is on us for the whole stay, and I've noted it for the next audit of this hotel.",
        ],
    },
    Topic {
        language: English,
        tags: &["invoice", "business"],
        subjects: &["Invoice with our VAT number", "Copy of the invoice for {ref}"],
        openings: &[
            "Our accounting needs the invoice for {ref} with the VAT number on it. Could you issue it again?",
            "I can't find the invoice over {amount} for the trip to {city} on {date}.",
        ],
        turns: &[
            "Of course. Which address shall go on it, the one in your profile?",
            "Yes, and cost centre {n} in the reference line, please.",
            "The corrected invoice over {amount} is in your mailbox. The old one is cancelled.",
        ],
    },
    Topic {
        language: English,
        tags: &["booking", "name"],
        subjects: &["Name on the ticket is misspelt", "Typo in a passenger's name"],
        openings: &[
            "My last name lacks a letter on the ticket {ref}. The passport is right. Can I fly like that?",
            "I married in spring and the ticket to {city} has my old name. What now?",
        ],
        turns: &[
            "Don't worry, we correct up to three letters without a charge. Please send the name exactly as in the passport.",
            "It is {last}, {first}. Nothing else changes.",
            "Corrected. Please check in online from {date}; the boarding pass will show the right name.",
        ],
    },
    Topic {
        language: English,
        tags: &["insurance"],
        subjects: &["Does my insurance cover this?", "Claim after illness on the trip to {city}"],
        openings: &[
            "I was in hospital in {city} for two days and paid {amount} myself. Is that covered by policy {ref}?",
            "Our daughter is ill and we cannot leave on {date}. Can we cancel with the insurance?",
        ],
        turns: &[
            "It is covered. Please send the bills and the doctor's note through the upload link, not by e-mail.",
            "I've uploaded {n} pages. How long does it take?",
            "The insurer answers within ten days; {amount} is below the limit, so I don't expect questions.",
        ],
    },
    Topic {
        language: English,
        tags: &["rail"],
        subjects: &["Night train to {city}: change of berth", "Missed connection on {date}"],
        openings: &[
            "The train was {n} minutes late and we missed the connection to {city}. Which one may we take?",
            "We'd like a compartment of our own on the night train to {city}. What is the surcharge?",
        ],
        turns: &[
            "Your ticket is valid on the next train, I've noted it in {ref}. The surcharge would be {amount}.",
            "All right. Are the bicycles still on the booking?",
            "Yes, both bicycles are booked. Have a good trip!",
        ],
    },
    Topic {
        language: French,
        tags: &["remboursement"],
        subjects: &["Remboursement du vol pour {city}", "Annulation du dossier {ref}"],
        openings: &[
            "Bonjour, notre vol du {date} pour {city} a été annulé. Comment obtenir le remboursement de {amount} ?",
            "Je souhaite annuler le dossier {ref} pour raison médicale. Quels sont les frais ?",
        ],
        turns: &[
            "L'annulation est confirmée par la compagnie. Le remboursement de {amount} part aujourd'hui.",
            "Sera-t-il versé sur la même carte ?",
            "Oui, sur la carte utilisée pour la réservation, sous cinq jours ouvrés.",
        ],
    },
    Topic {
        language: French,
        tags: &["réservation"],
        subjects: &["Chambre supplémentaire à {city}", "Changement de date, dossier {ref}"],
        openings: &[
            "Bonjour, nous serons finalement trois à {city}. Peut-on ajouter une chambre au dossier {ref} ?",
            "Mon déplacement est reporté au {date}. Est-il possible de modifier le billet ?",
        ],
        turns: &[
            "C'est possible, le supplément est de {amount}. Je procède à la modification ?",
            "Oui, merci. Et gardez le petit-déjeuner, s'il vous plaît.",
            "C'est fait, vous recevez la nouvelle confirmation par courriel.",
        ],
    },
    Topic {
        language: Japanese,
        tags: &["予約変更"],
        subjects: &["{city}行きの予約変更について", "予約番号{ref}の日程変更"],
        openings: &[
            "{date}の{city}行きを翌週に変更したいのですが、可能でしょうか。予約番号は{ref}です。",
            "出張の予定が変わりました。{ref}の便を{date}に変更してください。",
        ],
        turns: &[
            "{date}の午前便に空席がございます。差額は{amount}です。変更してよろしいでしょうか。",
            "はい、お願いします。通路側の席を希望します。",
            "変更が完了いたしました。新しいeチケットをメールでお送りしました。",
        ],
    },
    Topic {
        language: Japanese,
        tags: &["返金"],
        subjects: &["返金のお願い（{ref}）", "領収書の再発行について"],
        openings: &[
            "欠航になった{city}便の返金はいつ頃になりますか。金額は{amount}です。",
            "{date}の宿泊の領収書を会社名で再発行していただけますか。",
        ],
        turns: &[
            "確認いたしました。五営業日以内にお手続きが完了する見込みです。",
            "承知しました。明細も添付していただけますか。",
            "明細を添付してお送りいたしました。ご確認ください。",
        ],
    },
    Topic {
        language: German,
        tags: &["umbuchung"],
        subjects: &["Umbuchung {ref} nach {city}", "Rechnung für die Reise nach {city}"],
        openings: &[
            "Guten Tag, kann ich meine Reise nach {city} auf den {date} verschieben? Buchung {ref}.",
            "Ich brauche für die Reise am {date} eine Rechnung auf meine Firma.",
        ],
        turns: &[
            "Gern, es fällt ein Aufpreis von {amount} an. Soll ich umbuchen?",
            "Ja bitte, und das Gepäck bleibt dabei?",
            "Erledigt, das Gepäck ist dabei. Die Unterlagen kommen per E-Mail.",
        ],
    },
    Topic {
        language: Spanish,
        tags: &["equipaje"],
        subjects: &["Maleta perdida en {city}"],
        openings: &[
            "Hola, mi maleta no llegó a {city}. El número de parte es {n} y la reserva {ref}.",
        ],
        turns: &[
            "La hemos localizado: llega esta noche. ¿A qué dirección la enviamos?",
            "Al hotel, por favor, a mi nombre.",
            "Perfecto, el mensajero la entregará antes del mediodía.",
        ],
    },
];
