"""The words of the IIS 6 error pages in the five languages the lab's machines may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phrase(StrEnum):
    """Which page."""

    SSL_REQUIRED = "403.4"
    SSL_128_REQUIRED = "403.5"
    ADDRESS_REFUSED = "403.6"
    CERTIFICATE_REQUIRED = "403.7"
    LISTING_DENIED = "403.14"
    LOGON_FAILED = "401.1"
    LOGON_NEEDED = "401.2"
    NOT_FOUND = "404"


@dataclass(frozen=True, slots=True)
class Language:
    """Words and encoding of one localised server; a phrase is its title and its sentence."""

    charset: str
    codec: str
    error: str
    reasons: Mapping[int, str]
    phrases: Mapping[Phrase, tuple[str, str]]


# The English title of 403.4 is documented (domain 2.9); localised wording is ours and marked [bg]: a client that
# needs one of these sentences to decide is wrong, which is what they are here to show.
LANGUAGES: Mapping[str, Language] = {
    "en": Language(
        "Windows-1252",
        "cp1252",
        "HTTP Error",
        {401: "Unauthorized: Access is denied.", 403: "Forbidden.", 404: "File or directory not found."},
        {
            Phrase.SSL_REQUIRED: (
                "The page must be viewed over a secure channel",
                "The page you are trying to access is secured with Secure Sockets Layer (SSL). "
                "Type https:// at the beginning of the address. 403.4 - Forbidden: SSL is required.",
            ),
            Phrase.SSL_128_REQUIRED: (
                "The page must be viewed with a high security Web browser",
                "The resource is secured with 128-bit Secure Sockets Layer (SSL). 403.5 - Forbidden: SSL 128 required.",
            ),
            Phrase.ADDRESS_REFUSED: (
                "You are not authorized to view this page",
                "The Web server has a list of IP addresses that are not allowed to access this page, and yours is on "
                "it. 403.6 - Forbidden: IP address of the client has been rejected.",
            ),
            Phrase.CERTIFICATE_REQUIRED: (
                "The page requires a client certificate",
                "The page needs a valid Secure Sockets Layer (SSL) client certificate. "
                "403.7 - Forbidden: SSL client certificate is required.",
            ),
            Phrase.LISTING_DENIED: (
                "Directory Listing Denied",
                "This Virtual Directory does not allow contents to be listed.",
            ),
            Phrase.LOGON_FAILED: (
                "You are not authorized to view this page",
                "You do not have permission to view this page using the credentials that you supplied. Logon failed.",
            ),
            Phrase.LOGON_NEEDED: (
                "You are not authorized to view this page",
                "You do not have permission to view this page using the credentials that you supplied, because your "
                "browser sends a WWW-Authenticate field the server is not configured to accept.",
            ),
            Phrase.NOT_FOUND: (
                "The page cannot be found",
                "The page you are looking for might have been removed, had its name changed, or is unavailable.",
            ),
        },
    ),
    "de": Language(
        "Windows-1252",
        "cp1252",
        "HTTP-Fehler",
        {401: "Nicht autorisiert.", 403: "Verboten.", 404: "Datei oder Verzeichnis nicht gefunden."},
        {
            Phrase.SSL_REQUIRED: (
                "Die Seite muss über einen sicheren Kanal angezeigt werden",
                "Die Seite ist mit Secure Sockets Layer (SSL) geschützt. Geben Sie https:// am Anfang der Adresse ein.",
            ),
            Phrase.SSL_128_REQUIRED: (
                "Die Seite muss mit einem Browser mit hoher Sicherheit angezeigt werden",
                "Für diese Seite ist eine 128-Bit-Verschlüsselung (SSL) erforderlich.",
            ),
            Phrase.ADDRESS_REFUSED: (
                "Sie sind nicht autorisiert, diese Seite anzuzeigen",
                "Ihre IP-Adresse gehört zu den Adressen, die auf diese Seite nicht zugreifen dürfen.",
            ),
            Phrase.CERTIFICATE_REQUIRED: (
                "Die Seite erfordert ein Clientzertifikat",
                "Für diese Seite ist ein gültiges SSL-Clientzertifikat erforderlich.",
            ),
            Phrase.LISTING_DENIED: (
                "Verzeichnisauflistung verweigert",
                "Der Inhalt dieses Verzeichnisses darf nicht aufgelistet werden.",
            ),
            Phrase.LOGON_FAILED: (
                "Sie sind nicht autorisiert, diese Seite anzuzeigen",
                "Die Anmeldung mit den angegebenen Anmeldeinformationen ist fehlgeschlagen.",
            ),
            Phrase.LOGON_NEEDED: (
                "Sie sind nicht autorisiert, diese Seite anzuzeigen",
                "Für diese Seite fehlen gültige Anmeldeinformationen.",
            ),
            Phrase.NOT_FOUND: (
                "Die Seite wurde nicht gefunden",
                "Die gesuchte Seite wurde möglicherweise entfernt oder umbenannt.",
            ),
        },
    ),
    "fr": Language(
        "Windows-1252",
        "cp1252",
        "Erreur HTTP",
        {401: "Non autorisé.", 403: "Interdit.", 404: "Fichier ou répertoire introuvable."},
        {
            Phrase.SSL_REQUIRED: (
                "La page doit être affichée via un canal sécurisé",
                "Cette page est protégée par SSL (Secure Sockets Layer). Tapez https:// au début de l'adresse.",
            ),
            Phrase.SSL_128_REQUIRED: (
                "La page doit être affichée avec un navigateur hautement sécurisé",
                "Cette page exige un chiffrement SSL 128 bits.",
            ),
            Phrase.ADDRESS_REFUSED: (
                "Vous n'êtes pas autorisé à afficher cette page",
                "Votre adresse IP figure parmi celles qui sont refusées.",
            ),
            Phrase.CERTIFICATE_REQUIRED: (
                "La page requiert un certificat client",
                "Un certificat client SSL valide est nécessaire pour cette page.",
            ),
            Phrase.LISTING_DENIED: (
                "Affichage du répertoire refusé",
                "Le contenu de ce répertoire virtuel ne peut pas être affiché.",
            ),
            Phrase.LOGON_FAILED: (
                "Vous n'êtes pas autorisé à afficher cette page",
                "L'ouverture de session a échoué avec les informations fournies.",
            ),
            Phrase.LOGON_NEEDED: (
                "Vous n'êtes pas autorisé à afficher cette page",
                "Des informations d'identification valides sont nécessaires.",
            ),
            Phrase.NOT_FOUND: (
                "Impossible de trouver la page",
                "La page recherchée a peut-être été supprimée ou renommée.",
            ),
        },
    ),
    "es": Language(
        "Windows-1252",
        "cp1252",
        "Error HTTP",
        {401: "No autorizado.", 403: "Prohibido.", 404: "No se encuentra el archivo o directorio."},
        {
            Phrase.SSL_REQUIRED: (
                "La página debe verse a través de un canal seguro",
                "La página está protegida con SSL (Secure Sockets Layer). Escriba https:// al principio de la "
                "dirección.",
            ),
            Phrase.SSL_128_REQUIRED: (
                "La página debe verse con un explorador de alta seguridad",
                "Esta página exige un cifrado SSL de 128 bits.",
            ),
            Phrase.ADDRESS_REFUSED: (
                "No está autorizado para ver esta página",
                "Su dirección IP está entre las que no pueden tener acceso a esta página.",
            ),
            Phrase.CERTIFICATE_REQUIRED: (
                "La página requiere un certificado de cliente",
                "Se necesita un certificado de cliente SSL válido.",
            ),
            Phrase.LISTING_DENIED: (
                "Listado del directorio denegado",
                "No se permite mostrar el contenido de este directorio virtual.",
            ),
            Phrase.LOGON_FAILED: (
                "No está autorizado para ver esta página",
                "Error de inicio de sesión con las credenciales suministradas.",
            ),
            Phrase.LOGON_NEEDED: (
                "No está autorizado para ver esta página",
                "Se necesitan credenciales válidas para ver esta página.",
            ),
            Phrase.NOT_FOUND: (
                "No se encuentra la página",
                "Es posible que la página se haya quitado o haya cambiado de nombre.",
            ),
        },
    ),
    "ja": Language(
        "shift_jis",
        "cp932",
        "HTTP エラー",
        {401: "権限がありません。", 403: "アクセスは許可されていません。", 404: "ファイルが見つかりません。"},
        {
            Phrase.SSL_REQUIRED: (
                "ページはセキュリティで保護されたチャネルで表示する必要があります",
                "このページは SSL で保護されています。アドレスの先頭に https:// を入力してください。",
            ),
            Phrase.SSL_128_REQUIRED: (
                "ページは高度なセキュリティのブラウザで表示する必要があります",
                "このページには 128 ビットの SSL が必要です。",
            ),
            Phrase.ADDRESS_REFUSED: (
                "このページを表示する権限がありません",
                "この IP アドレスからのアクセスは拒否されています。",
            ),
            Phrase.CERTIFICATE_REQUIRED: (
                "このページにはクライアント証明書が必要です",
                "有効な SSL クライアント証明書が必要です。",
            ),
            Phrase.LISTING_DENIED: (
                "ディレクトリの一覧表示は拒否されました",
                "この仮想ディレクトリの内容は表示できません。",
            ),
            Phrase.LOGON_FAILED: (
                "このページを表示する権限がありません",
                "指定された資格情報でのログオンに失敗しました。",
            ),
            Phrase.LOGON_NEEDED: (
                "このページを表示する権限がありません",
                "このページには有効な資格情報が必要です。",
            ),
            Phrase.NOT_FOUND: (
                "ページが見つかりません",
                "このページは削除されたか、名前が変更された可能性があります。",
            ),
        },
    ),
}
