// Draws openapi.json as a list of operations, each with a form to try it.

const SHOWN_CHARS = 20000;
const DESCRIPTION = "/api/v1/openapi.json";

function element(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

// What an empty field shows.
function exampleText({ example }) {
  if (example === undefined) return "";
  if (typeof example !== "object") return String(example);
  const [name, value] = Object.entries(example)[0] ?? ["name", "value"];
  return `${name}=${value}`;
}

function field(form, name, help, input, shownName = name) {
  const id = `f${document.querySelectorAll("input,textarea").length}-${form.dataset.key}-${form.elements.length}`;
  Object.assign(input, { id, name });
  const note = help ? [element("small", {}, help)] : [];
  form.append(element("label", { htmlFor: id }, shownName), element("div", {}, input, ...note));
}

// The address and the body that the form stands for. A parameter of free names, such as "filter.{column}", is
// filled in as "filter.lane=1..4".
function request(path, method, operation, form) {
  const query = new URLSearchParams();
  let address = path;
  for (const parameter of operation.parameters ?? []) {
    const value = form.elements[parameter.name].value;
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value && parameter["x-name"]) {
      const cut = value.indexOf("=");
      query.append(value.slice(0, cut), value.slice(cut + 1));
    } else if (value) query.append(parameter.name, value);
  }
  const body = operation.requestBody ? form.elements.body.value : undefined;
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  return [query.size ? `${address}?${query}` : address, { method: method.toUpperCase(), headers, body }];
}

async function attempt(address, options, output) {
  output.textContent = `${options.method} ${address}\n…`;
  try {
    const response = await fetch(address, options);
    const text = await response.text();
    const cut = text.length > SHOWN_CHARS ? `\n… ${text.length - SHOWN_CHARS} characters more` : "";
    const type = response.headers.get("content-type") ?? "";
    output.textContent = `${options.method} ${address}\n${response.status} ${response.statusText} ${type}\n\n${text.slice(0, SHOWN_CHARS)}${cut}`;
  } catch (error) {
    output.textContent = `${options.method} ${address}\n${error}`;
  }
}

// A response: errors refer to the list of errors, others have an example.
function drawnAnswer(status, answer) {
  if (answer.$ref) return element("li", {}, element("a", { href: `#status-${status}` }, status));
  const line = `${status} ${answer.description}`;
  const example = answer.content?.["application/json"]?.example;
  if (example === undefined) return element("li", {}, line);
  const text = element("pre", {}, JSON.stringify(example, null, 1));
  return element("li", {}, element("details", {}, element("summary", {}, `${line}: example`), text));
}

// The kinds of errors; the address of each is the `type` of its responses.
function drawErrors(place, errors) {
  const rows = errors.map(({ code, status, title, remedy }, index) => {
    const isFirst = errors[index - 1]?.status !== status;
    const number = element("td", isFirst ? { id: `status-${status}` } : {}, String(status));
    const name = element("td", {}, element("code", {}, code));
    return element("tr", { id: code }, name, number, element("td", {}, title), element("td", {}, remedy));
  });
  const names = ["code", "status", "title", "remedy"].map((name) => element("th", {}, name));
  const table = element("table", {}, element("tr", {}, ...names), ...rows);
  place.append(element("h2", {}, "Errors"), table);
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

// The paragraphs of a description, and its list, without other marks.
function paragraphs(text) {
  const lines = text.replaceAll(/\*\*|`/g, "").split(/\n+/).filter((line) => line.trim());
  const isItem = (line) => line.startsWith("- ");
  const items = lines.filter(isItem).map((line) => element("li", {}, line.slice(2)));
  const others = lines.filter((line) => !isItem(line)).map((line) => element("p", {}, line));
  return items.length > 0 ? [...others, element("ul", {}, ...items)] : others;
}

function drawn(path, method, operation) {
  const form = element("form", {});
  form.dataset.key = operation.operationId ?? path;
  for (const parameter of operation.parameters ?? []) {
    const input = element("input", { required: Boolean(parameter.required), placeholder: exampleText(parameter) });
    field(form, parameter.name, parameter.description, input, parameter["x-name"]);
  }
  if (operation.requestBody) {
    const example = operation.requestBody.content["application/json"]?.example ?? {};
    const body = element("textarea", { rows: 4, value: JSON.stringify(example, null, 1) });
    field(form, "body", "JSON", body);
  }
  const output = element("pre", { hidden: true });
  form.append(element("button", {}, "Try it"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    attempt(...request(path, method, operation, form), output);
  });
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => drawnAnswer(status, answer));
  const summary = element("summary", {}, element("code", {}, `${method.toUpperCase()} ${path}`), ` ${operation.summary ?? ""}`);
  const text = paragraphs(operation.description ?? "");
  return element("details", {}, summary, ...text, form, output, element("ul", {}, ...answers));
}

function draw(description) {
  const place = document.getElementById("operations");
  const version = element("p", {}, `Version ${description.info.version}`);
  document.getElementById("about").replaceChildren(...paragraphs(description.info.description), version);
  for (const tag of description.tags) {
    place.append(element("h2", {}, tag.description));
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags?.includes(tag.name)) place.append(drawn(path, method, operation));
      }
    }
  }
  drawErrors(place, description["x-errors"]);
}

fetch(DESCRIPTION)
  .then((response) => response.json())
  .then(draw)
  .catch((error) => {
    document.getElementById("about").textContent = `The description could not be loaded: ${error}`;
  });
