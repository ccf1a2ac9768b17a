/// The way in: a token, sent once, for a session of this browser.
package struct LoginDocument: Sendable, Hashable {
    /// Why the last try failed, or why the session ended.
    package var message: String?
    /// Where to go afterwards: a path of this server.
    package var next: String?

    package init(message: String? = nil, next: String? = nil) {
        self.message = message
        self.next = next
    }
}

package enum LoginPage {
    package static func render(_ document: LoginDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: "Log in", section: .none, context, isLive: false) { page in
            page.element("div", ["class": "narrow-page"]) { page in
                page.element("h1", text: "Log in")
                if let message = document.message {
                    page.element("p", ["class": "message critical", "role": "alert"], text: message)
                }
                page.element("form", ["method": "post", "action": context.links.login, "class": "stack"]) { page in
                    SiteFilter.hidden("form_token", context.formToken, &page)
                    SiteFilter.hidden("next", document.next, &page)
                    page.element("label", ["for": "token"], text: "Token")
                    page.void(
                        "input",
                        [
                            "id": "token", "name": "token", "type": "password", "required": "", "maxlength": "4096",
                            "autocomplete": "current-password", "autofocus": "", "spellcheck": "false",
                            "aria-describedby": "token-help",
                        ])
                    page.element("button", ["class": "main"], text: "Log in")
                }
                page.element(
                    "p", ["class": "note", "id": "token-help"],
                    text: "Who keeps this ledger makes one; it is shown once and stored only as a digest:")
                page.command("cairn token create --scope read\ncairn token create --scope read --scope approve")
            }
        }
    }
}
