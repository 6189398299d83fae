/** Names that Twilio knows and this interpreter does not run (yet): told apart from typing errors in what authors are told. */

export const UNSUPPORTED_VERBS: ReadonlySet<string> = new Set([
  "Connect",
  "Enqueue",
  "Gather",
  "Leave",
  "Pay",
  "Prompt",
  "Queue",
  "Record",
  "Refer",
  "Sms",
  "Start",
  "Stop",
]);

export const SUPPORTED_VERBS: ReadonlySet<string> = new Set([
  "Dial",
  "Echo",
  "Hangup",
  "Pause",
  "Play",
  "Redirect",
  "Reject",
  "Say",
]);

export const UNSUPPORTED_NOUNS: ReadonlySet<string> = new Set(["Application", "Queue", "Sim", "WhatsApp"]);

/** Marks inside `<Say>`; their words are spoken. */
export const SSML_ELEMENTS: ReadonlySet<string> = new Set([
  "break",
  "emphasis",
  "lang",
  "p",
  "phoneme",
  "prosody",
  "s",
  "say-as",
  "sub",
  "w",
]);

const STATUS_CALLBACK = ["statusCallback", "statusCallbackEvent", "statusCallbackMethod"];
const MACHINE_DETECTION = [
  "amdStatusCallback",
  "amdStatusCallbackMethod",
  "machineDetection",
  "machineDetectionSilenceTimeout",
  "machineDetectionSpeechEndThreshold",
  "machineDetectionSpeechThreshold",
  "machineDetectionTimeout",
];
const RECORDING_CALLBACK = ["recordingStatusCallback", "recordingStatusCallbackEvent", "recordingStatusCallbackMethod"];

export const UNSUPPORTED_ATTRIBUTES: Readonly<Record<string, ReadonlySet<string>>> = {
  Dial: new Set([
    ...RECORDING_CALLBACK,
    "callReason",
    "events",
    "passports",
    "record",
    "recordingConfigurationId",
    "recordingTrack",
    "referMethod",
    "referUrl",
    "sequential",
    "trim",
  ]),
  Number: new Set([...STATUS_CALLBACK, ...MACHINE_DETECTION, "byoc", "method", "sendDigits", "url"]),
  Client: new Set([...STATUS_CALLBACK, "clientNotificationUrl", "method", "url"]),
  Sip: new Set([...STATUS_CALLBACK, ...MACHINE_DETECTION, "method", "password", "url", "username"]),
  Conference: new Set([
    ...STATUS_CALLBACK,
    ...RECORDING_CALLBACK,
    "beep",
    "coach",
    "endConferenceOnExit",
    "eventCallbackUrl",
    "jitterBufferSize",
    "maxParticipants",
    "muted",
    "participantLabel",
    "record",
    "region",
    "startConferenceOnEnter",
    "trim",
    "waitMethod",
    "waitUrl",
  ]),
};
