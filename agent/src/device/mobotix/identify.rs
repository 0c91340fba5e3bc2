//! Signs by which a MOBOTIX camera is told from something else, so that no password goes to something else. The server
//! header is not one of them: other makers send the same.

/// Whether a realm is one of a MOBOTIX camera, which asks for `MOBOTIX Camera User`.
pub fn realm(realm: &str) -> bool {
    realm.to_ascii_uppercase().contains("MOBOTIX")
}

/// Whether an answer to `GET /` is one of a MOBOTIX camera: it leads to one of the two start pages, or names its
/// publisher.
pub fn start_page(location: Option<&str>, body: &[u8]) -> bool {
    let leads = location.is_some_and(|location| {
        let path = location.split(['?', '#']).next().unwrap_or_default();
        path.ends_with("/control/userimage.html") || path.ends_with("/cgi-bin/guestimage.html")
    });
    leads || publisher(&String::from_utf8_lossy(body).to_ascii_lowercase())
}

/// Whether an answer of the remote configuration begins as a MOBOTIX camera's does.
pub fn remote_answer(body: &[u8]) -> bool {
    body.starts_with(b"#read::")
}

/// `<meta name="publisher" content="MOBOTIX AG, Germany">`, in lower case, with any quotes and order of attributes.
fn publisher(page: &str) -> bool {
    let mut tags = page.split("<meta").skip(1).filter_map(|rest| rest.split('>').next());
    tags.any(|tag| {
        let tag = tag.replace(['"', '\''], "");
        tag.contains("name=publisher") && tag.contains("content=mobotix ag")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_shows_itself_by_realm_start_page_or_publisher() {
        assert!(realm("MOBOTIX Camera User"));
        assert!(start_page(Some("https://10.1.2.3/control/userimage.html"), b""));
        assert!(start_page(Some("/cgi-bin/guestimage.html?x"), b""));
        assert!(start_page(None, b"<html><META content='MOBOTIX AG, Germany' NAME=\"publisher\">"));
        assert!(remote_answer(b"#read::\n"));
    }

    #[test]
    fn a_word_somewhere_on_a_page_is_no_sign() {
        assert!(!realm("Router"));
        assert!(!start_page(Some("/login?next=/control/userimage.html"), b""));
        assert!(!start_page(
            None,
            b"<p>MOBOTIX AG</p><meta name=\"author\" content=\"MOBOTIX AG\">"
        ));
        assert!(!remote_answer(b"<html>#read::"));
    }
}
