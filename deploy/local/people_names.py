"""The names and addresses of the citizens of `deploy.local.citizens`."""

from typing import Any, NamedTuple


class Names(NamedTuple):
    """Surnames and given names of one language."""

    surnames: tuple[str, ...]
    men: tuple[str, ...]
    women: tuple[str, ...]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


ITALIAN = Names(
    _listed(
        "Rossi, Ferrari, Esposito, Bianchi, Romano, Colombo, Ricci, Marino, Greco, Bruno, Gallo, Conti, "
        "De Luca, Mancini, Costa, Giordano, Rizzo, Lombardi, Moretti, Barbieri, Fontana, Santoro, "
        "Mariani, Rinaldi, Caruso, Ferrara, Galli, Martini, Leone, Longo, Gentile, Martinelli, Vitale, "
        "Lombardo, Serra, Coppola, De Santis, Marchetti, Parisi, Villa, Conte, Ferraro, Ferri, Fabbri, "
        "Bianco, Marini, Grasso, Valentini, Messina, Sala, De Angelis, Gatti, Pellegrini, Palumbo, Sanna, "
        "Farina, Rizzi, Monti, Cattaneo, Morelli, Amato, Silvestri, Mazza, Testa, Grassi, Della Valle, "
        "Dalla Costa, Lo Presti, Di Stefano, Re, Fo, Poli"
    ),
    _listed(
        "Mario, Luca, Giovanni, Antonio, Giuseppe, Francesco, Alessandro, Andrea, Marco, Lorenzo, Matteo, "
        "Gabriele, Riccardo, Leonardo, Davide, Stefano, Gian Luca, Pier Paolo, Niccolò, Nicolò, Ugo, Ivo, "
        "Carlo"
    ),
    _listed(
        "Maria, Anna, Giulia, Chiara, Sara, Francesca, Elena, Martina, Alessia, Giorgia, Lucia, Paola, "
        "Laura, Rosa, Maria Teresa, Anna Maria, Beatrice, Ludovica, Zoe, Ada, Ornella, Concetta, "
        "Immacolata, Eva, Ilaria"
    ),
)
GERMAN = Names(
    _listed(
        "Müller, Hofer, Mair, Pichler, Gruber, Egger, Thaler, Kofler, Weiß, Größl, Köhl, Plattner, "
        "Außerer, Kaßlatter, Rösch, Wörndle, von Elzenbaum, Unterkircher, Oberhöller, Äußerer, Steger, "
        "Lanthaler"
    ),
    _listed("Jürgen, Günther, Josef, Johann, Hannes, Florian, Götz, Björn, Karl, Matthäus, Lukas, Andreas"),
    _listed("Käthe, Ulrike, Änne, Brigitte, Margareth, Sieglinde, Jördis, Evi, Anna, Hildegard, Rosmarie"),
)
FOREIGN = Names(
    _listed(
        "Đorđević, Łukasiewicz, Ørsted, Æbelø, Nguyễn, Şahin, O'Brien, García Márquez, da Silva e Souza, "
        "Popescu, Țîrlea, Kovács, Novák, Dvořák, Müller-Lüdenscheidt, Sørensen, Åkesson, El-Khoury, "
        "Hrnjić, Иванова, Παπαδόπουλος, Шевченко, Hoxha, Ng, Wu, Singh, Ba, Þórsson, Bjørk, N'Diaye"
    ),
    _listed("Łukasz, Jürgen, Mihai, Zoltán, Ștefan, Björn, Ömer, Ng, José, Tomáš, Ivan, Олександр, Γιώργος"),
    _listed("Zoë, Chloé, Ilaş, Agnieszka, Śnieżana, Ana-Maria, Fátima, Þóra, Mariana, Nguyệt, Оксана, Ελένη"),
)
WITH_APOSTROPHE = _listed(
    "D'Angelo, D’Amico, Dell'Orto, Dall'Ò, D'Annunzio, Sant'Angelo, D`Alessandro, Degl'Innocenti, "
    "L'Abbate, Nicolo', Cantù, Papà, Dell’Acqua, D'Aquino Caracciolo, De' Medici, Dell'Utri"
)
STREETS = _listed(
    "Via Roma, Via Garibaldi, Corso Italia, Piazza della Repubblica, Viale Europa, Via Giuseppe "
    "Mazzini, Vicolo dell'Oro, Largo XXV Aprile, Strada Provinciale 12, Via IV Novembre, Località Ca' "
    "Bianca"
)
GERMAN_STREETS = _listed(
    "Romstraße, Dorfstraße, Kirchplatz, Dr.-Streiter-Gasse, Andreas-Hofer-Straße, Am Bühel"
)


def _abroad(country: str, municipality: str, postal_code: str, *lines: str) -> dict[str, Any]:
    return {
        "country": country,
        "lines": list(lines),
        "municipality": municipality,
        "postal_code": postal_code,
    }


HOMES_ABROAD = (
    _abroad("DE", "München", "80331", "Sonnenstraße 12"),
    _abroad("CH", "Lugano", "6900", "Via Nassa 5"),
    _abroad("FR", "Paris", "75011", "c/o Dubois", "8 bis, rue de la Roquette"),
    _abroad("GB", "London", "SW1A 2AA", "Flat 3", "10 Downing Street"),
    _abroad("AR", "Buenos Aires", "C1425", "Av. Santa Fe 3253", "Piso 4 Dto. B"),
    _abroad("US", "New York, NY", "10013", "Suite 5", "Mulberry Building", "125 Mulberry St"),
    _abroad("AE", "Dubai", "", "P.O. Box 1234", "Al Wasl Road"),
    _abroad("BR", "São Paulo", "01310-100", "Avenida Paulista 1578", "Apto. 92", "Bela Vista", "Bloco B"),
)
