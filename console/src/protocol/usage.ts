import type { Usage as WireUsage } from "./events";
import type { Usage } from "./model";

export const noUsage: Usage = {
  inputText: 0,
  inputAudio: 0,
  inputImage: 0,
  cachedText: 0,
  cachedAudio: 0,
  cachedImage: 0,
  outputText: 0,
  outputAudio: 0,
};

/** Servers other than ours leave details out. */
type Sent<T> = { readonly [K in keyof T]?: T[K] extends number ? T[K] : Sent<T[K]> };

export function usageOf(usage: WireUsage): Usage {
  const sent: Sent<WireUsage> = usage;
  const input = sent.input_token_details;
  const cached = input?.cached_tokens_details;
  const output = sent.output_token_details;
  return {
    inputText: input?.text_tokens ?? 0,
    inputAudio: input?.audio_tokens ?? 0,
    inputImage: input?.image_tokens ?? 0,
    cachedText: cached?.text_tokens ?? 0,
    cachedAudio: cached?.audio_tokens ?? 0,
    cachedImage: cached?.image_tokens ?? 0,
    outputText: output?.text_tokens ?? 0,
    outputAudio: output?.audio_tokens ?? 0,
  };
}

export function sum(a: Usage, b: Usage): Usage {
  return {
    inputText: a.inputText + b.inputText,
    inputAudio: a.inputAudio + b.inputAudio,
    inputImage: a.inputImage + b.inputImage,
    cachedText: a.cachedText + b.cachedText,
    cachedAudio: a.cachedAudio + b.cachedAudio,
    cachedImage: a.cachedImage + b.cachedImage,
    outputText: a.outputText + b.outputText,
    outputAudio: a.outputAudio + b.outputAudio,
  };
}
