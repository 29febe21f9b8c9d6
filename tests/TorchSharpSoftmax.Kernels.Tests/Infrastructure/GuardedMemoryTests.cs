namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The guards themselves: a test that rests on them is worth what they are worth.</summary>
public sealed unsafe class GuardedMemoryTests
{
    [Theory]
    [InlineData("behind, read")]
    [InlineData("behind, write")]
    [InlineData("before, read")]
    [InlineData("before, write")]
    public void One_element_outside_ends_the_process(string where)
    {
        (int exitCode, string output) = ChildProcess.Run(["touch", where], ("DOTNET_DbgEnableMiniDump", "0"));
        Assert.NotEqual(ChildProcess.Done, exitCode);
        Assert.Contains("Touch", output, StringComparison.Ordinal); // it died there, not elsewhere
    }

    [Theory]
    [InlineData("inside, read")]
    [InlineData("inside, write")]
    public void The_last_element_inside_does_not(string where) => Assert.Equal(ChildProcess.Done, ChildProcess.Run(["touch", where]).ExitCode);

    [Theory]
    [InlineData(Placement.Ending, -1)]
    [InlineData(Placement.Beginning, 5)]
    [InlineData(Placement.OffByOne, -1)]
    [InlineData(Placement.OffByOne, 5)]
    public void A_write_on_the_open_side_is_seen(Placement placement, int at)
    {
        using var memory = new GuardedMemory<float>(5);
        GuardedRow<float> row = memory.Row([1, 2, 3, 4, 5], placement);
        row.AssertNothingElseWritten("before");
        row.Pointer[at] = 0;
        Assert.Throws<Xunit.Sdk.FailException>(() => row.AssertNothingElseWritten("after"));
    }

    [Fact]
    public void A_row_lies_where_it_is_asked_for()
    {
        using var memory = new GuardedMemory<double>(100);
        nint page = Environment.SystemPageSize;
        Assert.Equal(0, (nint)(memory.Row(7, Placement.Ending).Pointer + 7) % page);
        Assert.Equal(0, (nint)memory.Row(7, Placement.Beginning).Pointer % page);
        Assert.Equal(sizeof(double), (nint)memory.Row(7, Placement.OffByOne).Pointer % page);
    }
}
