using System.Globalization;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The upper 16 bits of a <see cref="float"/>: its sign, its 8 exponent bits and 7 of its 23 fraction bits.</summary>
/// <remarks>A type for storage: the kernels compute in <see cref="float"/> and round to nearest, ties to even.</remarks>
/// <param name="bits">The 16 bits as they lie in memory.</param>
public readonly struct BFloat16(ushort bits) : IEquatable<BFloat16>
{
    /// <summary>The 16 bits as they lie in memory.</summary>
    public ushort Bits { get; } = bits;

    /// <summary>The nearest bfloat16, ties to even; a NaN stays a NaN.</summary>
    /// <param name="value">Any float.</param>
    public static explicit operator BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? new((ushort)((bits >> 16) | 0x0040)) // a payload in the lower half alone would round to infinity
            : new((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    /// <summary>The same value, exactly.</summary>
    /// <param name="value">Any bfloat16.</param>
    public static implicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>Whether two values have the same bits.</summary>
    /// <param name="left">One value.</param>
    /// <param name="right">The other value.</param>
    public static bool operator ==(BFloat16 left, BFloat16 right) => left.Equals(right);

    /// <summary>Whether two values differ in their bits.</summary>
    /// <param name="left">One value.</param>
    /// <param name="right">The other value.</param>
    public static bool operator !=(BFloat16 left, BFloat16 right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(BFloat16 other) => Bits == other.Bits;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BFloat16 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Bits;

    /// <inheritdoc/>
    public override string ToString() => ((float)this).ToString(CultureInfo.InvariantCulture);
}
