namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Where a guarded row lies: against the forbidden page behind it, or against the one before it.</summary>
public enum Placement
{
    /// <summary>The row's last element is the last readable byte.</summary>
    Ending,

    /// <summary>The row's first element is the first readable byte.</summary>
    Beginning,

    /// <summary>One element after the first readable one: aligned to the element and to nothing more.</summary>
    OffByOne,
}

/// <summary>Memory between two pages that fault on any access; rows are cut from its ends, so that one element too far ends the process.</summary>
/// <remarks>The open side of a row carries a pattern, which <see cref="GuardedRow{T}.AssertNothingElseWritten"/> checks.</remarks>
internal sealed unsafe class GuardedMemory<T>(nint capacity) : IDisposable
    where T : unmanaged
{
    // Room for the pattern beside a row that fills the capacity.
    private readonly GuardedPages _pages = new(((nuint)capacity * (nuint)sizeof(T)) + GuardedRow<T>.PatternBytes);

    /// <summary>A row of <paramref name="length"/> elements at the place asked for, with the pattern on its open sides.</summary>
    internal GuardedRow<T> Row(nint length, Placement placement)
    {
        byte* at = placement switch
        {
            Placement.Ending => _pages.End - (length * sizeof(T)),
            Placement.Beginning => _pages.First,
            _ => _pages.First + sizeof(T),
        };
        return new GuardedRow<T>((T*)at, length, _pages.First, _pages.End);
    }

    /// <summary>The row, filled with <paramref name="values"/>.</summary>
    internal GuardedRow<T> Row(ReadOnlySpan<T> values, Placement placement)
    {
        GuardedRow<T> row = Row(values.Length, placement);
        values.CopyTo(row.Span);
        return row;
    }

    public void Dispose() => _pages.Dispose();
}

/// <summary>One row inside guarded memory.</summary>
internal readonly unsafe struct GuardedRow<T>
    where T : unmanaged
{
    internal const int PatternBytes = 256;
    private const byte Pattern = 0xA5;
    private readonly byte* _first, _end;

    internal GuardedRow(T* pointer, nint length, byte* first, byte* end)
    {
        Pointer = pointer;
        Length = length;
        _first = first;
        _end = end;
        Before.Fill(Pattern);
        After.Fill(Pattern);
    }

    internal T* Pointer { get; }

    internal nint Length { get; }

    internal Span<T> Span => new(Pointer, checked((int)Length));

    private byte* RowEnd => (byte*)(Pointer + Length);

    private Span<byte> Before
    {
        get
        {
            nint room = Math.Min(PatternBytes, (nint)((byte*)Pointer - _first));
            return new Span<byte>((byte*)Pointer - room, (int)room);
        }
    }

    private Span<byte> After => new(RowEnd, (int)Math.Min(PatternBytes, _end - RowEnd));

    /// <summary>The open sides, where no page faults, still carry the pattern.</summary>
    internal void AssertNothingElseWritten(string what)
    {
        if (Before.ContainsAnyExcept(Pattern) || After.ContainsAnyExcept(Pattern))
        {
            Assert.Fail($"{what}: wrote outside the row.");
        }
    }
}
