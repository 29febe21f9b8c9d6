namespace TorchSharpSoftmax.Kernels;

/// <summary>A vector of <typeparamref name="T"/> (float or double) of one width: the vocabulary in which every kernel is written once.</summary>
/// <remarks>"Part" methods touch only the first n elements of memory, 0 &lt;= n &lt;= Count; lanes beyond are padded on load and dropped on store.</remarks>
internal unsafe interface ILanes<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    static abstract int Count { get; }

    static abstract V Broadcast(T value);
    static abstract V Load(T* p);
    static abstract V LoadPart(T* p, nint n, T pad);
    static abstract void Store(V v, T* p);
    static abstract void StorePart(V v, T* p, nint n);

    /// <summary>Stores past the caches; p is aligned to the bytes written. <see cref="Cache.StreamFence"/> follows the last one.</summary>
    static abstract void Stream(V v, T* p);

    static abstract V operator +(V a, V b);
    static abstract V operator -(V a, V b);
    static abstract V operator *(V a, V b);
    static abstract V operator /(V a, V b);

    /// <summary>a * b + c, rounded once.</summary>
    static abstract V Fma(V a, V b, V c);

    /// <summary>x, or floor where x is less; a NaN in x stays, a NaN in floor is lost.</summary>
    static abstract V AtLeast(V x, V floor);

    /// <summary>x, or ceiling where x is greater; a NaN in x stays, a NaN in ceiling is lost.</summary>
    static abstract V AtMost(V x, V ceiling);

    static abstract V Abs(V x);

    /// <summary>The nearest integer, ties to even.</summary>
    static abstract V Round(V x);

    /// <summary>m * 2^n for an integer n up to the type's largest exponent; n below its smallest normal exponent may give 0.</summary>
    static abstract V Scale(V m, V n);

    /// <summary>The n for which 2^n &lt;= x &lt; 2^(n + 1), for normal positive x.</summary>
    static abstract V ExponentOf(V x);

    static abstract T Sum(V v);

    /// <summary>The largest lane; NaN lanes may be lost.</summary>
    static abstract T Max(V v);

    // Lanes as bit patterns of T's size: what the 16-bit types need to be read and written at any width.

    /// <summary>16-bit integers, each zero-extended into a lane of a 32-bit type.</summary>
    static abstract V Load16(ushort* p);
    static abstract V Load16Part(ushort* p, nint n, ushort pad);

    /// <summary>The low 16 bits of each lane of a 32-bit type.</summary>
    static abstract void Store16(V bits, ushort* p);
    static abstract void Store16Part(V bits, ushort* p, nint n);
    static abstract void Stream16(V bits, ushort* p);

    /// <summary>Floats, each widened into a lane of a 64-bit type.</summary>
    static abstract V Load32(float* p);
    static abstract V Load32Part(float* p, nint n, float pad);

    /// <summary>Each lane of a 64-bit type, rounded to a float.</summary>
    static abstract void Store32(V v, float* p);
    static abstract void Store32Part(V v, float* p, nint n);
    static abstract void Stream32(V v, float* p);

    static abstract V Bits(uint pattern);
    static abstract V operator &(V a, V b);
    static abstract V operator |(V a, V b);
    static abstract V operator <<(V bits, int count);
    static abstract V operator >>>(V bits, int count);
    static abstract V AddBits(V a, V b);

    /// <summary>Lane by lane: where a &lt; b as numbers, then, else otherwise.</summary>
    static abstract V WhereLess(V a, V b, V then, V otherwise);
    static abstract V WhereNaN(V x, V then, V otherwise);

    /// <summary>Whether a &lt; b in any lane.</summary>
    static abstract bool AnyLess(V a, V b);
}
