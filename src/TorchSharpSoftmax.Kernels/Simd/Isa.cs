using System.Runtime.Intrinsics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The only place that asks the CPU: which vector width runs.</summary>
internal static class Isa
{
    internal const string Variable = "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS";

    [ThreadStatic] private static int? _forced;

    /// <summary>Every width that runs on this machine, widest first; 0 is one lane.</summary>
    internal static int[] AvailableBits { get; } =
    [
        .. Vector512.IsHardwareAccelerated ? new[] { 512 } : [],
        .. Vector256.IsHardwareAccelerated ? new[] { 256 } : [],
        .. Vector128.IsHardwareAccelerated ? new[] { 128 } : [],
        0,
    ];

    /// <summary>The width that kernels called from this thread use.</summary>
    internal static int Bits => _forced ?? WidestUpTo(ParseBits(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>Kernels called from this thread use this width until the result is disposed.</summary>
    internal static IDisposable Force(int bits)
    {
        if (Array.IndexOf(AvailableBits, bits) < 0)
            throw new ArgumentException($"'{nameof(bits)}' is {bits}; this machine has {string.Join(", ", AvailableBits)}.", nameof(bits));
        var previous = new Forced(_forced);
        _forced = bits;
        return previous;
    }

    internal static int ParseBits(string? value) => value switch
    {
        null or "" or "512" => 512,
        "256" => 256,
        "128" => 128,
        "0" => 0,
        _ => throw new InvalidOperationException($"The environment variable '{Variable}' is '{value}'; 512, 256, 128 or 0 (one lane) is required."),
    };

    private static int WidestUpTo(int bits) => AvailableBits.First(available => available <= bits);

    private sealed class Forced(int? previous) : IDisposable
    {
        public void Dispose() => _forced = previous;
    }
}
