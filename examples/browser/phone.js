import { Invitation, Inviter, Registerer, SessionState, UserAgent } from "sip.js";

const element = (id) => document.getElementById(id);
const say = (text) => (element("status").textContent = text);
let agent;
let session;

element("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const address = element("address").value;
  agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${address}`),
    authorizationUsername: address.split("@")[0],
    authorizationPassword: element("password").value,
    transportOptions: { server: element("server").value },
    // Gateways have public addresses, so no STUN server is needed.
    sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
    delegate: { onInvite: (invitation) => follow(invitation, `${invitation.remoteIdentity.uri.user} calls`) },
  });
  await agent.start();
  const onReject = ({ message }) => say(`refused: ${message.statusCode} ${message.reasonPhrase}`);
  await new Registerer(agent).register({ requestDelegate: { onAccept: () => say("signed in"), onReject } });
});

element("call").addEventListener("submit", async (event) => {
  event.preventDefault();
  const target = UserAgent.makeURI(`sip:${element("whom").value}@${agent.configuration.uri.host}`);
  await follow(new Inviter(agent, target), "calling").invite();
});
element("answer").addEventListener("click", () => session.accept());
element("hang-up").addEventListener("click", () => {
  if (session.state === SessionState.Established) return session.bye();
  return session instanceof Invitation ? session.reject() : session.cancel();
});

function follow(call, beginning) {
  session = call;
  say(beginning);
  call.stateChange.addListener((state) => {
    if (state === SessionState.Terminated) say("the call is over");
    if (state !== SessionState.Established) return;
    element("speaker").srcObject = call.sessionDescriptionHandler.remoteMediaStream;
    say("talking");
  });
  return call;
}
