import { expect, test } from "vitest";
import { RtcpPacketConverter, RtcpRrPacket, RtcpSourceDescriptionPacket, RtcpSrPacket } from "werift";
import { encodeReport, ReceptionStatistics, readSenderReport } from "../../../../gateway-node/webrtc/rtcp-reports.ts";

const SENDER = { ssrc: 7, cname: "nearside-7", timestamp: 1234, packets: 10, octets: 1600, nowMs: 1_700_000_000_500 };

test("a report of a sender is SR and SDES, as werift reads them", () => {
  const [report, description] = RtcpPacketConverter.deSerialize(encodeReport(SENDER, []));
  expect(report).toBeInstanceOf(RtcpSrPacket);
  expect(report).toMatchObject({ ssrc: 7, senderInfo: { rtpTimestamp: 1234, packetCount: 10, octetCount: 1600 } });
  expect(description).toBeInstanceOf(RtcpSourceDescriptionPacket);
  expect(description).toMatchObject({ chunks: [{ source: 7, items: [{ type: 1, text: "nearside-7" }] }] });
});

test("a leg that sent nothing reports as a receiver", () => {
  const [report] = RtcpPacketConverter.deSerialize(encodeReport({ ...SENDER, packets: 0 }, []));
  expect(report).toBeInstanceOf(RtcpRrPacket);
});

test("losses, the highest index and the last sender report are told", () => {
  const statistics = new ReceptionStatistics(99, 65_530);
  for (const index of [65_530, 65_531, 65_533, 65_537]) statistics.onPacket(index, index * 160, index * 20);
  statistics.onSenderReport(0xabcd1234, 1000);
  const [report] = RtcpPacketConverter.deSerialize(encodeReport(SENDER, [statistics.reportBlock(1500)]));
  expect(report).toMatchObject({
    reports: [
      {
        ssrc: 99,
        fractionLost: 128,
        packetsLost: 4,
        highestSequence: 65_537,
        lsr: 0xabcd1234,
        dlsr: 32_768,
        jitter: 0,
      },
    ],
  });
  const again = statistics.reportBlock(2000);
  expect(again[4]).toBe(0);
});

test("a sender report gives the middle of its NTP time, anything else nothing", () => {
  const wire = encodeReport(SENDER, []);
  expect(readSenderReport(wire)).toEqual({ ssrc: 7, ntpMiddle: wire.readUInt32BE(10) });
  expect(readSenderReport(encodeReport({ ...SENDER, packets: 0 }, []))).toBeUndefined();
  expect(readSenderReport(Buffer.alloc(3))).toBeUndefined();
});
