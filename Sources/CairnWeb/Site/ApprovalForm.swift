import CairnBytes

/// A request for approval, with what it takes to decide it.
struct ApprovalForm {
    let waiting: WaitingApproval
    let context: PageContext
    /// Unique in the page.
    let id: String
    var showsRun = true

    /// Longest comment: an event's data holds far more, and nobody reads more.
    private static let commentLengthMax = "2000"

    func write(to page: inout Markup) {
        page.element("article", ["class": "waiting", "id": id, "aria-labelledby": "\(id)-title"]) { page in
            page.element("h3", ["id": "\(id)-title"]) { page in
                page.element("span", ["class": "sign", "aria-hidden": "true"], text: "‖ ")
                page.element("strong", text: waiting.phase)
                page.text(" waits for approval")
                if showsRun {
                    page.text(" in ")
                    page.element("a", ["href": context.links.run(waiting.stream)], text: waiting.title)
                }
            }
            page.element("p", ["class": "scope"]) { page in
                page.text("asked by \(waiting.requestedBy ?? "somebody") ")
                page.age(waiting.requested, context.now)
                if let expires = waiting.expires {
                    page.text(expires > context.now ? ", holds until " : ", ran out at ")
                    page.time(expires)
                }
                page.text(" ")
                page.entry(waiting.position, context.links)
            }
            if let reason = waiting.reason, !reason.isEmpty { page.element("p", text: reason) }
            if context.mayDecide { form(&page) } else { refusal(&page) }
        }
        page.lineBreak()
    }

    private func form(_ page: inout Markup) {
        let run = context.links.run(waiting.stream)
        page.element("form", ["method": "post", "action": "\(run)/approve", "class": "decide"]) { page in
            page.void("input", ["type": "hidden", "name": "form_token", "value": context.formToken])
            page.void("input", ["type": "hidden", "name": "phase", "value": waiting.phase])
            page.element("label", ["class": "unseen", "for": "\(id)-comment"], text: "Comment on \(waiting.phase)")
            page.void(
                "input",
                [
                    "id": "\(id)-comment", "name": "comment", "maxlength": ApprovalForm.commentLengthMax,
                    "placeholder": "Comment, kept in the log", "autocomplete": "off",
                ])
            page.element("button", ["class": "good"], text: "Approve")
            page.element("button", ["class": "bad", "formaction": "\(run)/reject"], text: "Reject")
        }
    }

    private func refusal(_ page: inout Markup) {
        page.element("p", ["class": "note"]) { page in
            page.text("You may look and not decide: that takes a token with the scope ")
            page.element("code", text: "approve")
            page.text(", of another person than the one who asked.")
        }
    }
}
