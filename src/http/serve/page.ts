/** The page of a browser that was let in: what runs, and what happens. What it shows it asks for as any client does. */

export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>hob</title>
<h1>hob</h1>
<p id="state">…</p>
<table><thead><tr><th>session<th>state<th>command</thead><tbody id="sessions"></tbody></table>
<ol id="events" reversed></ol>
<script src="/page.js"></script>
</html>
`

export const script = `const at = (id) => document.getElementById(id)
const cells = (texts) => {
  const row = document.createElement("tr")
  for (const text of texts) row.insertCell().textContent = text
  return row
}
const list = async () => {
  const answer = await fetch("/sessions")
  if (!answer.ok) {
    at("state").textContent = answer.status === 401 ? "Not signed in: hob http login gives you an address." : answer.statusText
    return false
  }
  const { sessions } = await answer.json()
  at("state").textContent = sessions.length + (sessions.length === 1 ? " session" : " sessions")
  at("sessions").replaceChildren(...sessions.map((each) => cells([each.name ?? each.id.slice(0, 8), each.state, each.command.join(" ")])))
  return true
}
const shown = 50
const follow = () => {
  const events = new EventSource("/events")
  events.addEventListener("event", ({ data }) => {
    const { channel, message } = JSON.parse(data)
    const item = document.createElement("li")
    item.textContent = channel + " " + (message?.event ?? "")
    at("events").prepend(item)
    while (at("events").childElementCount > shown) at("events").lastChild.remove()
    list()
  })
}
list().then((isIn) => isIn && follow())
`

/** Goes on to the page by itself: a cookie that was set on the way of a link is not sent along that same way. */
export const enteredPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0;url=/">
<title>hob</title>
<p>Signed in. <a href="/">Go on</a></p>
</html>
`
