// aimock with a small scripted model behind it. It decides what a model says and why it stops, and nothing that is a
// server's affair: no request is refused here, and no header is set.
import { LLMock } from "@copilotkit/aimock";

const STORY =
  "Once upon a time there was a mason who hung a line from every wall, and no wall of hers ever leaned, " +
  "and people came from far away to learn how she did it.";
const CAPITALS = {
  Denmark: "Copenhagen", Finland: "Helsinki", France: "Paris", Greece: "Athens", Italy: "Rome", Japan: "Tokyo",
  Norway: "Oslo", Poland: "Warsaw", Portugal: "Lisbon", Spain: "Madrid", Sweden: "Stockholm",
};
const JSON_ANSWERS = [
  [/Answer in JSON/, { answer: "Paris" }],
  [/as an object in JSON/, { capital: "Paris" }],
  [/person: Ada/, { name: "Ada", age: 36, mood: "happy", hobbies: [{ title: "Chess" }] }],
  [/person: Ben/, { name: "Ben", age: 63, mood: "sad", hobbies: [{ title: "Go" }] }],
  [/Describe Ada/, { name: "Ada", age: 36, languages: ["English"] }],
  [/Write a ticket/, { title: "Broken lamp", priority: "low", hours: 2 }],
];
// What a fixture sees of a request to Claude or Gemini does not tell whether thoughts were asked for, so it is the
// question that decides. Gemini is asked about France with and without them; it does not think about it.
const THOUGHT_ABOUT = /capital of (Denmark|Finland|Portugal)/;

const text = (message) =>
  Array.isArray(message?.content) ? message.content.map((part) => part.text ?? "").join("\n") : String(message?.content ?? "");
const words = (message) => message.split(/\s+/).filter(Boolean);

/** The calls for a question: one for each city that it names, with arguments for all the tool's parameters. */
function calls(tool, question, atMost) {
  const cities = [...question.matchAll(/\bin ([A-Z]\w+)/g)].map((match) => match[1]);
  const parameters = Object.entries(tool.function.parameters?.properties ?? {});
  return (cities.length > 0 ? cities : ["Paris"]).slice(0, atMost).map((city) => ({
    name: tool.function.name,
    arguments: Object.fromEntries(parameters.map(([name, schema]) => [name, schema.enum?.[0] ?? city])),
  }));
}

/** The tool that the model calls, if any. Only requests to OpenAI show their tool_choice to a fixture. */
function chosenTool({ tools = [], tool_choice: choice, messages }, question) {
  if (messages.at(-1)?.role === "tool" || choice === "none") return undefined;
  const named = choice?.function?.name ?? choice?.name;
  const find = (name) => tools.find((tool) => tool.function.name === name);
  if (named) return find(named);
  // The scenarios offer get_time only where it is the one to be called.
  if (find("get_time")) return find("get_time");
  if (/weather in (?!Rome\?)/.test(question)) return find("get_weather");
  return choice === "required" ? tools[0] : undefined;
}

function say(messages, question) {
  const conversation = messages.map(text).join("\n");
  const scripted = JSON_ANSWERS.find(([asked]) => asked.test(question));
  if (scripted) return JSON.stringify(scripted[1]);
  if (messages.at(-1)?.role === "tool") return `The tool answered: ${text(messages.at(-1))}`;
  if (/long story/.test(question)) return STORY;
  if (/What is my name/.test(question)) return `Your name is ${/my name is (\w+)/.exec(conversation)?.[1] ?? "unknown"}.`;
  const repeated = /repeat[^:]*:\s*([^]*)/i.exec(question)?.[1];
  if (repeated) return repeated;
  const country = Object.keys(CAPITALS).find((name) => question.includes(`capital of ${name}`));
  const answer = country ? `The capital of ${country} is ${CAPITALS[country]}` : "Hello, and welcome";
  const instructed = messages.some((message) => /^(system|developer)$/.test(message?.role) && /meow/.test(text(message)));
  return instructed ? `${answer}, meow.` : `${answer}.`;
}

function answer(request) {
  const { messages, model } = request;
  const question = text(messages.findLast((message) => message?.role === "user"));
  const asked = words(messages.map(text).join(" ")).length + 3;
  const count = (tokens) => ({ usage: { prompt_tokens: asked, completion_tokens: tokens } });

  const tool = chosenTool(request, question);
  if (tool) {
    const toolCalls = calls(tool, question, request.parallel_tool_calls === false ? 1 : 2);
    return { toolCalls, ...count(10 * toolCalls.length) };
  }

  let content = say(messages, question);
  let finishReason = "stop";
  const stops = [request.stop ?? []].flat();
  // Requests to Claude and Gemini do not show their stop sequences to a fixture.
  if (stops.length === 0 && /alpha beta gamma delta/.test(question)) stops.push("gamma");
  for (const stop of stops.filter((stop) => content.includes(stop))) {
    content = content.slice(0, content.indexOf(stop));
    if (model.startsWith("claude")) finishReason = "stop_sequence";
  }
  const limit = request.max_tokens ?? request.max_completion_tokens ?? Infinity;
  if (words(content).length > limit) {
    content = words(content).slice(0, limit).join(" ");
    finishReason = "length";
  }
  const reasoning = model.startsWith("claude") && THOUGHT_ABOUT.test(question) ? { reasoning: "A question of geography." } : {};
  return { content, finishReason, ...reasoning, ...count(words(content).length) };
}

const mock = new LLMock({ host: "127.0.0.1", port: 4010, auth: { apiKeys: [process.env.AIMOCK_KEY] } });
for (const model of ["gpt-4o", "claude-sonnet-4-20250514", "claude-3-5-haiku-20241022", "gemini-2.5-flash"]) {
  mock.on({ model, endpoint: "chat" }, answer);
}
// Embeddings without a fixture are made from their text. This one answers nothing; it names the model for the listing.
mock.on({ model: "text-embedding-3-small", inputText: "\u0000" }, { embedding: [1] });
await mock.start();
console.log(`aimock answers at ${mock.url}`);
